"""The pattern of an error message, as the tests of the layers have it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "layers"))

from error_parts import error_parts  # noqa: E402

__all__ = ["error_parts"]
