"""A metric's values over the epochs."""

import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

_LOWER_IS_BETTER = ("loss", "error", "entropy", "perplexity")


def metric_values(epochs: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """Reads one metric from the epochs' rows.

    Args:
        epochs: One mapping an epoch, from metrics to numbers, or to text that
            is one.
        name: The metric.

    Returns:
        float64 `(num_epochs,)`, NaN where there is no finite number.
    """
    return np.array([_number(row.get(name)) for row in epochs], np.float64)


def best_epoch(name: str, values: np.ndarray) -> int | None:
    """Finds the position of a metric's best value.

    The lowest of a loss, an error, an entropy or a perplexity, the highest of
    all others; the first where several are equal.

    Args:
        name: The metric's name.
        values: Floats `(num_epochs,)`; NaN where there is none.

    Returns:
        The position, or None where no value is finite.
    """
    if not np.isfinite(values).any():
        return None
    lower = any(part in name for part in _LOWER_IS_BETTER)
    signed = np.where(
        np.isfinite(values), -values if lower else values, -np.inf
    )
    return int(np.argmax(signed))


def _number(value):
    try:
        value = float(value)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan
