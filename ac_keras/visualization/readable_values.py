"""Names, numbers and settings as people read them."""

import html
import math
import numbers
from typing import Any

_SHARES = ("accuracy", "hit_at")
_NO_VALUE = "–"


def escape(value: Any) -> str:
    """Makes any value safe inside HTML, in text and in attributes."""
    text = str(value).encode("utf-8", "replace").decode()
    return html.escape(text)


def shorten(text: str, length: int) -> str:
    """Cuts a text down to so many characters, saying so by an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def readable_name(name: str) -> str:
    """Turns `val_top_5_accuracy` into `validation top 5 accuracy`."""
    if name.startswith("val_"):
        name = "validation_" + name.removeprefix("val_")
    return name.replace("_", " ")


def is_share(name: str) -> bool:
    """Whether a metric of this name is told in percent."""
    return any(part in name for part in _SHARES)


def readable_number(name: str, value: Any) -> str:
    """Turns a metric's or a result's value into a few characters.

    Args:
        name: Its name, which tells shares and seconds from other numbers.
        value: A number, or anything else, which is taken as it is.

    Returns:
        Text, not escaped.
    """
    if value is None:
        return _NO_VALUE
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return readable_setting(value)
    value = int(value) if isinstance(value, numbers.Integral) else float(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else str(value)
    if is_share(name) and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    if name.endswith("seconds") and value >= 100:
        return _duration(round(value))
    return f"{value:,}" if isinstance(value, int) else _float(value)


def readable_setting(value: Any) -> str:
    """Turns a flag's value into text, not escaped."""
    if value is None or value == "":
        return _NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or _NO_VALUE
    return str(value)


def _float(value):
    if abs(value) >= 10_000:
        return f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.4g}"
    return f"{value:.4g}"


def _duration(seconds):
    hours, minutes = divmod(round(seconds / 60), 60)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{hours} h {minutes} min"
