"""A dataset of media files and its model, as the tests of extraction have."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "extraction"))

from extracted_media import BROKEN  # noqa: E402
from extracted_media import SILENT  # noqa: E402
from extracted_media import copy_description  # noqa: E402
from extracted_media import damage_sound  # noqa: E402
from extracted_media import make_model  # noqa: E402
from extracted_media import write_dataset  # noqa: E402

__all__ = [
    "BROKEN",
    "SILENT",
    "copy_description",
    "damage_sound",
    "make_model",
    "write_dataset",
]
