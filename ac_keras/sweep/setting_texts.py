"""Settings of a protocol as words."""

from collections.abc import Iterable
from typing import Any


def setting_text(name: str, value: Any) -> str:
    """Gives a setting in words, such as `dropout 0.5` or `30 epochs`."""
    if name == "classifier_rate":
        if value == 1:
            return "the same rate for the classifier"
        return f"the classifier's rate {value_text(name, value)}"
    text = name.replace("_", " ")
    if name.endswith("epochs"):
        return f"{value_text(name, value)} {text}"
    return f"{text} {value_text(name, value)}"


def value_text(name: str, value: Any) -> str:
    """Gives a setting's value where its name is told before."""
    if value is None:
        return "none"
    if name == "classifier_rate":
        return "the same" if value == 1 else f"{value:g} times the units'"
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) else str(value)


def settings_text(settings: Iterable[tuple[str, Any]]) -> str:
    """Gives several settings in words."""
    return ", ".join(setting_text(*item) for item in settings) or "nothing"


def numbers_text(numbers: Iterable[int]) -> str:
    """Gives numbers, commas between."""
    return ", ".join(map(str, numbers))
