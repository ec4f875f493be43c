"""Which kinds of frames the units of a cluster attend to."""

import numpy as np

from ac_keras.visualization.attention_maps import checked_weights

NO_FAVOURITE = -1
MARGIN = 1.01  # over even weights, whose sum may be rounded up


class AttendedKinds:
    """Counts the weight that units put on the frames of each kind.

    Of each clip that has frames of a kind, a unit's weights on all of them
    are added up; the sums are averaged over these clips. A clip without a
    frame is left out. Give batch after batch to `update`.

    Args:
        num_units: Integer, how many units there are.
        num_kinds: Integer, how many kinds of frames there are.
    """

    def __init__(self, num_units: int, num_kinds: int):
        self.num_units, self.num_kinds = num_units, num_kinds
        self.clip_counts = np.zeros(num_kinds, np.int64)
        self._weights = np.zeros((num_kinds, num_units))
        self._even = np.zeros(num_kinds)

    def update(self, weights: np.ndarray, kinds: np.ndarray) -> None:
        """Counts a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` gives them, 0 at padding.
            kinds: Bool `(batch, num_frames, num_kinds)`. Each frame has a
                kind, or several; padding has none.

        Raises:
            ValueError: If they are no such weights or do not fit each other.
        """
        weights = checked_weights(weights, self.num_units)
        kinds = self._checked_kinds(kinds, weights)
        kinds = kinds & weights.any(axis=(1, 2))[:, None, None]
        num_frames = np.maximum(kinds.any(axis=2).sum(axis=1), 1)
        self.clip_counts += kinds.any(axis=1).sum(axis=0)
        self._weights += np.tensordot(
            kinds.astype(np.float64), weights, ([0, 1], [0, 2])
        )
        self._even += (kinds.sum(axis=1) / num_frames[:, None]).sum(axis=0)

    def table(self) -> np.ndarray:
        """Gives the mean weight of units on each kind.

        Returns:
            float64 `(num_kinds, num_units)`, NaN where no clip has the kind.
        """
        return self._mean(self._weights.T).T

    def even(self) -> np.ndarray:
        """Gives what the table would hold, were all frames weighted alike.

        Returns:
            float64 `(num_kinds,)`, NaN where no clip has the kind.
        """
        return self._mean(self._even)

    def _mean(self, sums):
        counts = self.clip_counts
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _checked_kinds(self, kinds, weights):
        kinds = np.asarray(kinds)
        batch, _, num_frames = weights.shape
        expected = batch, num_frames, self.num_kinds
        if kinds.dtype != bool or kinds.shape != expected:
            raise ValueError(
                f"Expected kinds to be bool {expected}, for these clips' "
                f"frames. Received: kinds {kinds.shape} of {kinds.dtype}. "
                "Give both of the same clips."
            )
        if (weights.any(axis=1) & ~kinds.any(axis=2)).any():
            raise ValueError(
                "Expected a kind for every frame that is attended to. "
                "Received: weight on a frame without one. Give frames of no "
                "other kind a kind of their own."
            )
        return kinds


def favourite_kinds(table: np.ndarray, even: np.ndarray) -> np.ndarray:
    """Finds the kind that each unit puts the most weight on.

    Args:
        table: Floats `(num_kinds, num_units)`, as `AttendedKinds.table` gives
            them: the rows of those kinds that may be a favourite.
        even: Floats `(num_kinds,)`, as `AttendedKinds.even` gives them.

    Returns:
        Integers `(num_units,)`, -1 for a unit that puts no more on its best
        kind than even weights would.
    """
    known = np.where(np.isnan(table), -1, table)
    best = known.argmax(axis=0)
    weight = known[best, np.arange(known.shape[1])]
    return np.where(weight > MARGIN * even[best], best, NO_FAVOURITE)
