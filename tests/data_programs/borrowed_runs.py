"""Many runs of a program at the price of one, as the trainers' tests do."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "trainer_programs"))

from program_runs import run_cases  # noqa: E402

__all__ = ["run_cases"]
