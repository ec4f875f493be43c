"""Runs every benchmark and makes docs/performance.md of what they find.

    python benchmarks/all_programs.py --output_dir=runs/bench

The programs of benchmarks/programs.py run one after the other, as they share
the cores. One that fails does not stop the others: the page tells that it was
not run, and the exit status is 1. PyTorch and PaddlePaddle are measured where
they are installed. Close what else is running first.
"""

import contextlib
import pathlib
import subprocess
import sys
import time

from absl import app
from absl import flags

from programs import FOLDER
from programs import PROGRAMS
from programs import Program

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "runs/bench", "Folder for the programs' JSON files."
)
_ONLY = flags.DEFINE_list(
    "only", [], "Names in benchmarks/programs.py; others keep their figures."
)

LIMIT = 300  # seconds for a program: far above what one takes


def run(program: Program, folder: pathlib.Path) -> bool:
    """Runs a program; tells whether there are new figures."""
    output = folder / f"{program.name}.json"
    output.unlink(missing_ok=True)  # Old figures are not this run's.
    path = str(FOLDER / program.file)
    command = [sys.executable, path, *program.arguments, f"--output={output}"]
    print(f"\n$ {program.command}", flush=True)
    status = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = subprocess.run(command, timeout=LIMIT).returncode
    return status == 0 and output.is_file()


def run_all(programs, folder: pathlib.Path) -> list[Program]:
    """Runs programs in turn, prints their times and gives those that failed."""
    failed, lines, start = [], [], time.monotonic()
    for program in programs:
        before = time.monotonic()
        well = run(program, folder)
        seconds = time.monotonic() - before
        lines.append(
            f"{seconds:4.0f} s  {program.command}{'' if well else ': FAILED'}"
        )
        if not well:
            failed.append(program)
    print(*("", *lines), sep="\n")
    print(f"{time.monotonic() - start:4.0f} s  in all", flush=True)
    return failed


def choose(names: list[str]) -> list[Program]:
    """Gives the programs of these names, or all that any machine can run.

    Raises:
        ValueError: If there is no such program.
    """
    known = {program.name: program for program in PROGRAMS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"Expected --only to name programs among {', '.join(known)}. "
            f"Received: {', '.join(unknown)}. Leave it out to run all."
        )
    if names:
        return [known[name] for name in names]
    return [program for program in PROGRAMS if not program.needs]


def main(argv):
    del argv
    folder = pathlib.Path(_OUTPUT_DIR.value)
    folder.mkdir(parents=True, exist_ok=True)
    failed = run_all(choose(_ONLY.value), folder)
    page = [sys.executable, str(FOLDER / "performance_page.py")]
    subprocess.run([*page, f"--reports={folder}"], check=True)
    if failed:
        sys.exit(f"Failed: {', '.join(x.name for x in failed)}; see above.")


if __name__ == "__main__":
    app.run(main)
