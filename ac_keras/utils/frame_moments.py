"""Mean and standard deviation of frames, in one pass."""

import numpy as np


class FrameMoments:
    """Sums over frames in float64, which can be merged.

    Args:
        dim: Integer, the dim of a frame.

    Attributes:
        count: Number of frames.
        sums: float64 `(dim,)`, the sum of the frames.
        squares: float64 `(dim,)`, the sum of their squares.
    """

    def __init__(self, dim):
        self.count = 0
        self.sums = np.zeros(dim)
        self.squares = np.zeros(dim)

    def add(self, frames):
        """Adds frames, an array of floats `(num_frames, dim)`."""
        self.count += len(frames)
        self.sums += frames.sum(axis=0, dtype=np.float64)
        self.squares += np.square(frames, dtype=np.float64).sum(axis=0)

    def merge(self, other):
        """Adds the frames of other moments."""
        self.count += other.count
        self.sums += other.sums
        self.squares += other.squares

    @property
    def mean(self):
        """float64 `(dim,)`, the mean; zeros if there is no frame."""
        return self.sums / max(self.count, 1)

    @property
    def deviation(self):
        """float64 `(dim,)`, the standard deviation; zeros if no frame."""
        variance = self.squares / max(self.count, 1) - self.mean**2
        return np.sqrt(np.maximum(variance, 0.0))
