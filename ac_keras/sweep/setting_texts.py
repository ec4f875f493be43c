"""Settings of a protocol as words."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

MANY = 3  # values that are all told


def setting_text(name: str, value: Any) -> str:
    """Gives a setting in words, such as `dropout 0.5` or `30 epochs`."""
    if name == "classifier_rate" and value == 1:
        return "the same rate for the classifier"
    return _sentence(name, value_text(name, value))


def value_text(name: str, value: Any) -> str:
    """Gives a setting's value where its name is told before."""
    if value is None:
        return "none"
    if name == "classifier_rate":
        return "the same" if value == 1 else f"{value:g} times the units'"
    if isinstance(value, float):
        return f"{value:g}"
    return f"`{value}`" if isinstance(value, str) else str(value)


def values_text(name: str, values: Collection[Any]) -> str:
    """Gives different values of a setting, their range if they are many."""
    if len(values) == 1 or name != "classifier_rate":
        return _some([value_text(name, x) for x in values], values)
    return f"{_some([f'{x:g}' for x in values], values)} times the units'"


def values_by_size_text(name: str, values: Mapping[int, Any]) -> str:
    """Gives a setting in words of which every number of units has its own."""
    listed = ", ".join(f"{x:g}" for x in values.values())
    if name == "classifier_rate":
        listed += " times the units'"
    return f"{_sentence(name, listed)} for N = {numbers_text(values)}"


def settings_text(settings: Iterable[tuple[str, Any]]) -> str:
    """Gives several settings in words."""
    return ", ".join(setting_text(*item) for item in settings) or "nothing"


def numbers_text(numbers: Iterable[int]) -> str:
    """Gives numbers, commas between."""
    return ", ".join(map(str, numbers))


def _sentence(name, value):
    """Puts a setting's name and the text of its value together."""
    text = name.replace("_", " ")
    if name == "classifier_rate":
        text = "the classifier's rate"
    return f"{value} {text}" if name.endswith("epochs") else f"{text} {value}"


def _some(texts, values):
    if len(texts) <= MANY:
        *first, last = texts
        return f"{', '.join(first)} or {last}" if first else last
    if all(isinstance(x, (int, float)) for x in values):
        return f"{min(values):g} to {max(values):g}"
    return "several"
