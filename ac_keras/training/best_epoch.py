"""The rule that chooses the best epoch and stops a run early."""

import dataclasses
import math
from collections.abc import Sequence

LAST = "last"


@dataclasses.dataclass(frozen=True)
class BestEpoch:
    """Chooses the best of the completed epochs by one metric.

    Attributes:
        metric: Metric to compare, such as `"val_accuracy"`. Losses are
            minimized, all other metrics are maximized. `"last"` chooses the
            last epoch.
        patience: Number of epochs without improvement after which training
            stops; 0 disables early stopping.

    Raises:
        ValueError: If `patience` is set and `metric` is `"last"`.
    """

    metric: str = "val_accuracy"
    patience: int = 0

    def __post_init__(self):
        if self.metric == LAST and self.patience:
            raise ValueError(
                "Expected a metric to monitor when patience is set. Received: "
                f"metric={self.metric!r}, patience={self.patience}. Name a "
                "metric or set patience to 0."
            )

    def index(self, history: Sequence[dict]) -> int:
        """Returns the index of the best epoch.

        Among epochs with an equal metric, the one with the lowest loss on
        the same split wins, then the first. NaN is worse than any number.

        Args:
            history: Metrics of each completed epoch, at least one.

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
        loss = "val_loss" if self.metric.startswith("val_") else "loss"
        ranks = [
            (_rank(sign * row[self.metric]), _rank(-row.get(loss, math.inf)))
            for row in history
        ]
        return ranks.index(max(ranks))

    def is_last_best(self, history: Sequence[dict]) -> bool:
        """Returns whether the last epoch is the best."""
        return self.index(history) == len(history) - 1

    def should_stop(self, history: Sequence[dict]) -> bool:
        """Returns whether patience has run out."""
        if not self.patience or not history:
            return False
        return len(history) - 1 - self.index(history) >= self.patience


def _rank(value):
    return -math.inf if math.isnan(value) else value
