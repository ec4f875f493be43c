"""A sweep's folder, as the tests of its report have it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "sweep"))

from made_up_sweep import cell_folder  # noqa: E402
from made_up_sweep import drop_key  # noqa: E402
from made_up_sweep import parse_tables  # noqa: E402
from made_up_sweep import write_cell  # noqa: E402
from made_up_sweep import write_json  # noqa: E402

__all__ = [
    "cell_folder",
    "drop_key",
    "parse_tables",
    "write_cell",
    "write_json",
]
