"""Which epoch to keep, and when to stop."""

import dataclasses
import math
from collections.abc import Sequence

LAST = "last"


@dataclasses.dataclass(frozen=True)
class BestEpoch:
    """A rule over the figures of the epochs that are done.

    Attributes:
        metric: The figure that counts, such as `"val_accuracy"`; a loss is
            better where it is lower, everything else where it is higher.
            `"last"` keeps the last epoch.
        patience: Stop after so many epochs without a better one; 0 never
            does.

    Raises:
        ValueError: If there is patience and no figure to wait for.
    """

    metric: str = "val_accuracy"
    patience: int = 0

    def __post_init__(self):
        if self.metric == LAST and self.patience:
            raise ValueError(
                "Expected patience with a metric to wait for. Received: "
                f"metric={self.metric!r}, patience={self.patience}. Name a "
                "metric or set patience to 0."
            )

    def index(self, history: Sequence[dict]) -> int:
        """Gives the best epoch's place, the first of equals; NaN is worst.

        Raises:
            ValueError: If the history lacks the metric.
        """
        if self.metric == LAST:
            return len(history) - 1
        if self.metric not in history[-1]:
            raise ValueError(
                f"Expected the best epoch's metric among {sorted(history[-1])}"
                f" or {LAST}. Received: {self.metric!r}."
            )
        sign = -1 if self.metric.endswith("loss") else 1
        values = [sign * row[self.metric] for row in history]
        values = [-math.inf if math.isnan(x) else x for x in values]
        return values.index(max(values))

    def is_last_best(self, history: Sequence[dict]) -> bool:
        """Tells whether the newest epoch is the best."""
        return self.index(history) == len(history) - 1

    def should_stop(self, history: Sequence[dict]) -> bool:
        """Tells whether patience is at its end."""
        if not self.patience or not history:
            return False
        return len(history) - 1 - self.index(history) >= self.patience
