"""Cells of Table 1: its models, how each is trained, published accuracies."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

FAMILIES = {  # columns of the table: weighting, and whether units are shifted
    "average": ("average", False),
    "fc1": ("fc1", False),
    "fc2": ("fc2", False),
    "fc1_shift": ("fc1", True),
    "fc2_shift": ("fc2", True),
}
TITLES = {
    "average": "Average",
    "fc1": "FC1",
    "fc2": "FC2",
    "fc1_shift": "FC1 + shift",
    "fc2_shift": "FC2 + shift",
}
NUM_UNITS = (1, 2, 4, 8, 16, 32, 64, 128)  # rows of the table
HIDDEN_UNITS = 10  # of FC2 (Section 4.3 of the paper)
PROTOCOLS = ("tuned", "paper")


def _column(*accuracies):
    return dict(zip(NUM_UNITS, accuracies, strict=True))


# Test accuracies in percent, by family and number of units (Table 1).
PAPER_ACCURACIES = {
    "average": _column(0.2, 0.4, 0.6, 0.9, 1.2, 2.4, 5.0, 8.9),
    "fc1": _column(0.2, 0.4, 2.2, 31.7, 82.3, 83.3, 83.2, 81.8),
    "fc2": _column(0.2, 0.5, 2.3, 22.5, 82.0, 83.2, 82.4, 80.9),
    "fc1_shift": _column(51.2, 64.8, 75.9, 80.6, 86.9, 87.1, 87.1, 87.1),
    "fc2_shift": _column(53.7, 66.8, 76.8, 83.1, 84.9, 85.6, 85.6, 85.7),
}
# The same of MindSpore, by device.
MINDSPORE_ACCURACIES = {
    "Ascend": {
        "fc1_shift": _column(34.5, 65.8, 72.7, 80.5, 84.6, 84.7, 85.0, 85.2),
        "fc2_shift": _column(54.1, 64.7, 73.8, 76.4, 86.6, 87.0, 87.3, 87.4),
    },
    "GPU": {
        "fc1_shift": _column(31.8, 19.4, 37.8, 65.0, 84.3, 85.3, 86.0, 86.1),
        "fc2_shift": _column(40.3, 41.3, 53.1, 81.6, 85.5, 87.6, 88.1, 88.3),
    },
}


def paper_accuracy(family: str, num_units: int) -> float | None:
    """Returns the paper's test accuracy in percent, None if it has none."""
    return PAPER_ACCURACIES[family].get(num_units)


def mindspore_accuracy(
    device: str, family: str, num_units: int
) -> float | None:
    """Returns MindSpore's test accuracy in percent, None if it has none."""
    return MINDSPORE_ACCURACIES[device].get(family, {}).get(num_units)


@dataclasses.dataclass(frozen=True)
class Cell:
    """A model of the table, trained from one seed.

    Attributes:
        family: Column of the table, such as `"fc1_shift"`.
        num_units: Number of attention units `N`.
        seed: Seed of initial values, order of the clips and dropout.
    """

    family: str
    num_units: int
    seed: int = 0

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ValueError(
                f"Expected a family among {', '.join(FAMILIES)}. Received: "
                f"family={self.family!r}."
            )
        if self.num_units < 1 or self.seed < 0:
            raise ValueError(
                "Expected one unit or more, and a seed of 0 or more. Received: "
                f"num_units={self.num_units}, seed={self.seed}."
            )

    @property
    def weighting(self) -> str:
        """Weighting of the units."""
        return FAMILIES[self.family][0]

    @property
    def shift(self) -> bool:
        """True if the units are shifted."""
        return FAMILIES[self.family][1]

    def __str__(self) -> str:
        """Returns the name in messages, such as `fc1 N=8 seed 0`."""
        return f"{self.family} N={self.num_units} seed {self.seed}"

    def folder(self, root: pathlib.Path) -> pathlib.Path:
        """Returns the folder of the cell below that of its protocol."""
        units = f"units_{self.num_units:03d}"
        return root / self.family / units / f"seed_{self.seed}"

    def product_flops(self, dim: int, num_frames: int, num_classes: int) -> int:
        """Counts the operations of the matrix products in a training step.

        Both passes are counted, without products whose result is not used,
        such as the gradient of the features.

        Args:
            dim: Dimension of the local features.
            num_frames: Number of frames in a clip.
            num_classes: Number of classes.

        Returns:
            Floating-point operations for one clip; a multiplication with an
            addition counts as two.
        """
        pooling = num_frames * dim * self.num_units
        classifier = dim * self.num_units * num_classes
        # Each product is computed forward, and once for either gradient.
        if self.weighting == "average":
            return 2 * (pooling + 2 * classifier)
        scores = 2 * pooling
        if self.weighting == "fc2":
            hidden = num_frames * self.num_units * HIDDEN_UNITS
            scores = 2 * hidden * dim + 3 * hidden
        return 2 * (scores + 2 * pooling + 3 * classifier)


def make_cells(
    families: Sequence[str], num_units: Sequence[int], seeds: Sequence[int]
) -> list[Cell]:
    """Returns all combinations, seed by seed.

    Raises:
        ValueError: If a family is unknown, a number is out of range, or a
            list is empty or has a value twice.
    """
    cells = [
        Cell(family, count, seed)
        for seed, family, count in itertools.product(seeds, families, num_units)
    ]
    if not cells or len(set(cells)) < len(cells):
        raise ValueError(
            "Expected one or more of each, and none twice. Received: "
            f"families={list(families)}, num_units={list(num_units)}, "
            f"seeds={list(seeds)}."
        )
    return cells


def parse_cells(
    families: Sequence[str], num_units: Sequence[str], seeds: Sequence[str]
) -> list[Cell]:
    """Returns all combinations of the values of list flags.

    Raises:
        ValueError: If a number is not a whole number, or `make_cells` raises.
    """
    for name, texts in (("num_units", num_units), ("seeds", seeds)):
        if not all(text.isdecimal() for text in texts):
            raise ValueError(
                f"Expected --{name} to be whole numbers separated by commas, "
                f"such as 1,2,4. Received: --{name}={','.join(texts)}."
            )
    return make_cells(
        families, [int(x) for x in num_units], [int(x) for x in seeds]
    )


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Settings that a cell is trained with.

    The names are keys of the files that a sweep writes.

    Attributes:
        epochs: Number of epochs; the best on the validation split is kept.
        batch_size: Number of clips in a training step.
        learning_rate: Peak learning rate of Adam.
        classifier_rate: Factor of the classifier's learning rate.
        schedule: `"constant"`, or `"cosine"`, which decays to 0.
        warmup_epochs: Epochs in which the learning rate rises to its peak.
        dropout: Rate of dropout on the global feature.
        alpha_initializer: Initializer of the shift's scale alpha (Eq. 7).
        beta_initializer: Initializer of the shift's offset beta (Eq. 7).
    """

    epochs: int
    batch_size: int
    learning_rate: float
    classifier_rate: float
    schedule: str
    warmup_epochs: float
    dropout: float
    alpha_initializer: str = "constant:1"
    beta_initializer: str = "normal:0.5"


# Section 1.3 of the supplement states learning rate, dropout and epochs, but
# neither the batch size nor the initial values of the shift.
PAPER_PROTOCOL = Protocol(
    epochs=100,
    batch_size=64,
    learning_rate=1e-3,
    classifier_rate=1,
    schedule="constant",
    warmup_epochs=0.0,
    dropout=0.5,
)


def tuned_protocol(num_units: int, shift: bool) -> Protocol:
    """Returns the protocol that was chosen on the validation split.

    A shifted global feature has norm 1, so the classifier needs weights far
    larger than Adam reaches at 1e-3. This is why the classifier is trained at
    a higher rate, and the units at the paper's. The factor is lower for large
    clusters, which overfit at a high rate.
    """
    few = num_units <= 8
    rate = 400 / num_units**0.5 if few else 800 / num_units
    return Protocol(
        epochs=60 if few else 12,
        batch_size=256,
        learning_rate=1e-3,
        classifier_rate=round(rate) if shift else 8,
        schedule="cosine",
        warmup_epochs=0.0,
        dropout=0.0 if num_units <= 2 else 0.5,
    )


def choose_protocol(name: str, cell: Cell) -> Protocol:
    """Returns the protocol of a cell by its name.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in PROTOCOLS:
        raise ValueError(
            f"Expected a protocol among {PROTOCOLS}. Received: name={name!r}."
        )
    if name == "paper":
        return PAPER_PROTOCOL
    return tuned_protocol(cell.num_units, cell.shift)
