"""How far the units of a cluster differ in what they attend to."""

import numpy as np

from ac_keras.visualization.attention_maps import checked_weights
from ac_keras.visualization.attention_maps import weights_entropy


class UnitDivergence:
    """Counts the Jensen-Shannon divergence between units, in nats.

    A unit's weights are a distribution over a clip's frames. The divergence
    of two is the entropy of their mean less the mean of their entropies: 0
    where they weight the frames alike, log 2 = 0.693 where they share no
    frame. It is averaged over clips; a clip without a frame is left out.

    Give batch after batch to `update`. It needs the memory of a few arrays as
    large as a batch's weights.

    Args:
        num_units: Integer, 2 or more.

    Raises:
        ValueError: If there are fewer units.
    """

    def __init__(self, num_units: int):
        if num_units < 2:
            raise ValueError(
                "UnitDivergence expects two units or more to compare. "
                f"Received: num_units={num_units}. Leave out clusters of one."
            )
        self.num_units = num_units
        self.num_clips = 0
        self._sums = np.zeros((num_units, num_units))

    def update(self, weights: np.ndarray) -> None:
        """Counts a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` gives them, 0 at padding.

        Raises:
            ValueError: If they are no such weights.
        """
        weights = checked_weights(weights, self.num_units)
        entropy = weights_entropy(weights)  # (batch, num_units)
        for unit in range(self.num_units - 1):
            others = slice(unit + 1, None)
            mixed = weights_entropy(
                (weights[:, unit, None] + weights[:, others]) / 2
            )
            apart = mixed - (entropy[:, unit, None] + entropy[:, others]) / 2
            # It is below 0 by rounding alone.
            self._sums[unit, others] += np.maximum(apart, 0).sum(axis=0)
        self.num_clips += int(weights.any(axis=(1, 2)).sum())

    def pairs(self) -> np.ndarray:
        """Gives the mean over clips of each pair of units.

        Returns:
            float64 `(num_units, num_units)`, symmetric, 0 on the diagonal.

        Raises:
            ValueError: If no clip was counted.
        """
        if not self.num_clips:
            raise ValueError(
                "Expected some clip with frames. Received: num_clips=0. Give "
                "clips to `update` first."
            )
        return (self._sums + self._sums.T) / self.num_clips

    def mean(self) -> float:
        """Gives the mean over clips and pairs of units, from 0 to log 2."""
        pairs = self.pairs()
        return float(pairs.sum() / (pairs.size - len(pairs)))
