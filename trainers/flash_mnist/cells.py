"""One cell of Table 1."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

FAMILIES = {  # the table's columns: weighting and shift
    "average": ("average", False),
    "fc1": ("fc1", False),
    "fc2": ("fc2", False),
    "fc1_shift": ("fc1", True),
    "fc2_shift": ("fc2", True),
}
NUM_UNITS = (1, 2, 4, 8, 16, 32, 64, 128)  # its rows
HIDDEN_UNITS = 10  # of FC2, section 4.3


@dataclasses.dataclass(frozen=True)
class Cell:
    """A model of the table, with the seed of one of its runs.

    Attributes:
        family: A column, such as `"fc1_shift"`.
        num_units: The number of attention units `N`.
        seed: Integer that decides everything random.
    """

    family: str
    num_units: int
    seed: int = 0

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ValueError(
                f"Expected a family among {', '.join(FAMILIES)}. Received: "
                f"family={self.family!r}. Choose one of them."
            )
        if self.num_units < 1 or self.seed < 0:
            raise ValueError(
                "Expected one unit or more, and a seed of 0 or more. Received: "
                f"num_units={self.num_units}, seed={self.seed}. Mend these."
            )

    @property
    def weighting(self) -> str:
        """The weighting of its units."""
        return FAMILIES[self.family][0]

    @property
    def shift(self) -> bool:
        """Whether its units are shifted."""
        return FAMILIES[self.family][1]

    def __str__(self) -> str:
        """Names it as a sweep's messages do."""
        return f"{self.family} N={self.num_units} seed {self.seed}"

    def folder(self, root: pathlib.Path) -> pathlib.Path:
        """Gives its folder below a protocol's."""
        units = f"units_{self.num_units:03d}"
        return root / self.family / units / f"seed_{self.seed}"

    def product_flops(self, dim: int, num_frames: int, num_classes: int) -> int:
        """Counts the operations of a training step's matrix products.

        That is the products alone, forward and backward, without those whose
        result nobody needs, such as the features' gradient.

        Args:
            dim: Numbers in a frame's feature.
            num_frames: Frames in a clip.
            num_classes: The number of classes.

        Returns:
            Operations for one clip; a multiplication and an addition are two.
        """
        pooling = num_frames * dim * self.num_units
        classifier = dim * self.num_units * num_classes
        # Of each product, a pass forward and one for either gradient.
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
    """Gives all combinations, a seed after the other.

    Raises:
        ValueError: If a family is unknown, a number out of range, there is no
            cell or one of them twice.
    """
    cells = [
        Cell(family, count, seed)
        for seed, family, count in itertools.product(seeds, families, num_units)
    ]
    if not cells or len(set(cells)) < len(cells):
        raise ValueError(
            "Expected one or more of each, and none twice. Received: "
            f"families={list(families)}, num_units={list(num_units)}, "
            f"seeds={list(seeds)}. Two runs would share a cell's folder."
        )
    return cells


def parse_cells(
    families: Sequence[str], num_units: Sequence[str], seeds: Sequence[str]
) -> list[Cell]:
    """Gives all combinations of what flags list.

    Raises:
        ValueError: If a number is none, or `make_cells` refuses them.
    """
    for name, texts in (("num_units", num_units), ("seeds", seeds)):
        if not all(text.isdecimal() for text in texts):
            raise ValueError(
                f"Expected --{name} as whole numbers with commas between. "
                f"Received: {','.join(texts)}. Write it like 1,2,4."
            )
    return make_cells(
        families, [int(x) for x in num_units], [int(x) for x in seeds]
    )


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a cell is trained with.

    Attributes:
        epochs: How many; the best on the validation split is kept.
        batch_size: Clips in a step.
        learning_rate: Adam's, the highest.
        classifier_rate: What the classifier's rate is multiplied by.
        schedule: `"constant"` or `"cosine"`, which goes to 0 at the end.
        warmup_epochs: Epochs in which the rate rises to it.
        dropout: Share of the global feature that is dropped.
        alpha_initializer: Of the shift's scales, as text.
        beta_initializer: Of the shift's shifts, as text.
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


# The supplement's section 1.3 names the rate, dropout and epochs; it leaves
# the batch size and the shift's initial values open.
PAPER = Protocol(
    epochs=100,
    batch_size=64,
    learning_rate=1e-3,
    classifier_rate=1,
    schedule="constant",
    warmup_epochs=0.0,
    dropout=0.5,
)


def tuned(num_units: int, shift: bool) -> Protocol:
    """Gives the protocol that was chosen on the validation split.

    A shifted global feature has norm 1, so that the classifier wants weights
    far above those that Adam reaches at 1e-3. It has a rate of its own
    therefore; the units keep the paper's. A large cluster overfits at a high
    one.
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


PROTOCOLS = ("tuned", "paper")


def choose_protocol(name: str, cell: Cell) -> Protocol:
    """Gives a cell's protocol by its name.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in PROTOCOLS:
        raise ValueError(
            f"Expected a protocol among {PROTOCOLS}. Received: name={name!r}. "
            "Choose one of them."
        )
    return PAPER if name == "paper" else tuned(cell.num_units, cell.shift)


_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


def _column(*figures):
    return dict(zip(_ROWS, figures, strict=True))


# Family, then number of units.
PAPER_PUBLISHED_RESULTS = {
    "average": _column(0.2, 0.4, 0.6, 0.9, 1.2, 2.4, 5.0, 8.9),
    "fc1": _column(0.2, 0.4, 2.2, 31.7, 82.3, 83.3, 83.2, 81.8),
    "fc2": _column(0.2, 0.5, 2.3, 22.5, 82.0, 83.2, 82.4, 80.9),
    "fc1_shift": _column(51.2, 64.8, 75.9, 80.6, 86.9, 87.1, 87.1, 87.1),
    "fc2_shift": _column(53.7, 66.8, 76.8, 83.1, 84.9, 85.6, 85.6, 85.7),
}

# Device, then family, then number of units.
MINDSPORE = {
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
    """Gives the paper's figure, None where it has none."""
    return PAPER_PUBLISHED_RESULTS[family].get(num_units)


def mindspore_accuracy(
    device: str, family: str, num_units: int
) -> float | None:
    """Gives MindSpore's figure on a device, None where it has none."""
    return MINDSPORE[device].get(family, {}).get(num_units)


TITLES = {
    "average": "Average",
    "fc1": "FC1",
    "fc2": "FC2",
    "fc1_shift": "FC1 + shift",
    "fc2_shift": "FC2 + shift",
}
