"""Records of others and their reading, as the pipeline's tests have them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "pipeline"))

from foreign_datasets import read  # noqa: E402
from foreign_records import dequantise  # noqa: E402
from foreign_records import draw_video  # noqa: E402
from foreign_records import media_record  # noqa: E402
from foreign_records import segment_record  # noqa: E402
from foreign_records import write_tfrecords  # noqa: E402

__all__ = [
    "dequantise",
    "draw_video",
    "media_record",
    "read",
    "segment_record",
    "write_tfrecords",
]
