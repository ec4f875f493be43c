"""Sizes at which benchmarks/scaling.py measures, and what they count to."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Point:
    """Sizes of a model with one modality, and of its batch."""

    units: int = 32
    frames: int = 20
    dim: int = 512
    classes: int = 400
    batch: int = 64

    @property
    def multiplications(self) -> int:
        """Those of the forward products: scores, pooling and classifier."""
        clusters = 2 * self.frames * self.dim * self.units
        return self.batch * (clusters + self.dim * self.units * self.classes)

    @property
    def forward_bytes(self) -> int:
        """Those of weights, frames and what the units pool."""
        numbers = self.dim * self.units * (self.classes + self.batch)
        return 4 * (numbers + self.batch * self.frames * self.dim)

    @property
    def gradients_bytes(self) -> int:
        """The same, and the gradients of weights and of what is pooled."""
        numbers = self.dim * self.units * (self.classes + self.batch)
        return self.forward_bytes + 4 * numbers


# Each factor's smallest point, of sizes at which it matters.
DOUBLED = {
    "units": Point(units=16),
    "frames": Point(units=8, frames=50, classes=10),
    "dim": Point(dim=256),
    "classes": Point(classes=500),
    "batch": Point(batch=128, classes=50),
}
TINY = Point(2, 2, 2, 2, 2)
