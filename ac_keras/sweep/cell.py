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
