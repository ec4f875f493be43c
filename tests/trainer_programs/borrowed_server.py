"""A model server's process, as the tests of serving have it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "serving"))

from model_server import MODEL_NAME  # noqa: E402
from model_server import serve  # noqa: E402

__all__ = ["MODEL_NAME", "serve"]
