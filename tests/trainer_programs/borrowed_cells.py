"""A tiny dataset for cells, as the tests of the sweep have it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "sweep"))

from tiny_cells import contents  # noqa: E402
from tiny_cells import figures  # noqa: E402
from tiny_cells import num_epochs  # noqa: E402
from tiny_cells import weights  # noqa: E402
from tiny_cells import write_dataset  # noqa: E402

__all__ = ["contents", "figures", "num_epochs", "weights", "write_dataset"]
