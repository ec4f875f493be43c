"""Runs the benchmarks and fills the tables of docs/performance.md.

    python benchmarks/all_programs.py --output_dir=runs/bench

The programs run one after the other, because they share the cores. A program
that fails does not stop the others; the exit status is then 1, and the page
says that it was not measured. PyTorch and PaddlePaddle are measured where they
are installed. Close other programs first.
"""

import dataclasses
import pathlib
import subprocess
import sys
import time

from absl import app
from absl import flags

from measurement import performance_page

FOLDER = pathlib.Path(__file__).resolve().parent
LIMIT = 300  # seconds; a program takes far less


@dataclasses.dataclass(frozen=True)
class Program:
    """A benchmark and its flags.

    Attributes:
        name: Name of its report, `NAME.json`, and of its block in the page.
        file: Name of the program's file in this folder.
        arguments: Flags of the program, without `--output`.
        needs: Requirements beyond those of `make bench`. A program with any
            runs only if `--only` names it.
    """

    name: str
    file: str
    arguments: tuple[str, ...] = ()
    needs: str = ""

    @property
    def command(self) -> str:
        """The command to type at the repository's root."""
        return " ".join(["python", f"benchmarks/{self.file}", *self.arguments])


def _step(setting: str, *arguments: str, policy: str = "float32") -> Program:
    flags = (f"--setting={setting}", f"--dtype_policy={policy}", *arguments)
    return Program(f"step_{setting}_{policy}", "training_step.py", flags)


PROGRAMS = (
    _step("kinetics", "--rounds=5"),
    _step("kinetics", "--peers=own", "--rounds=3", policy="mixed_bfloat16"),
    _step("flash_mnist", "--peers=own,loop"),
    _step("youtube8m", "--peers=own", "--nomeasures", "--rounds=1"),
    Program("gpu_step", "gpu_step.py", needs="a GPU, JAX and PyTorch"),
    Program("reader", "reader.py"),
    Program("preparation", "preparation.py"),
    Program("extraction", "extraction_stages.py"),
    Program("serving", "serving_load.py"),
    Program("scaling", "scaling.py"),
    Program("checkpoints", "checkpoint_cost.py"),
)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "runs/bench", "Folder of the reports, JSON files."
)
_ONLY = flags.DEFINE_list(
    "only", [], "Names of the programs to run; reports of others are kept."
)
_PAGE = flags.DEFINE_string(
    "page", "docs/performance.md", "Page whose tables are filled."
)


def choose(names: list[str]) -> list[Program]:
    """Returns the programs of these names, or all that any machine can run.

    Raises:
        ValueError: If a name is unknown.
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


def run(program: Program, folder: pathlib.Path) -> bool:
    """Runs a program; returns whether it wrote a new report."""
    output = folder / f"{program.name}.json"
    output.unlink(missing_ok=True)  # An old report is of another run.
    path = str(FOLDER / program.file)
    command = [sys.executable, path, *program.arguments, f"--output={output}"]
    print(f"\n$ {program.command}", flush=True)
    try:
        status = subprocess.run(command, timeout=LIMIT).returncode
    except subprocess.TimeoutExpired:
        return False
    return status == 0 and output.is_file()


def run_all(programs, folder: pathlib.Path) -> list[Program]:
    """Runs programs in turn, prints their times, and returns the failed."""
    failed, lines, start = [], [], time.monotonic()
    for program in programs:
        before = time.monotonic()
        if not run(program, folder):
            failed.append(program)
        word = ": FAILED" if program in failed else ""
        seconds = time.monotonic() - before
        lines.append(f"{seconds:4.0f} s  {program.command}{word}")
    lines.append(f"{time.monotonic() - start:4.0f} s  in all")
    print("", *lines, sep="\n", flush=True)
    return failed


def main(argv):
    del argv
    folder, page = pathlib.Path(_OUTPUT_DIR.value), pathlib.Path(_PAGE.value)
    folder.mkdir(parents=True, exist_ok=True)
    failed = run_all(choose(_ONLY.value), folder)
    reports = performance_page.load_reports(folder, [x.name for x in PROGRAMS])
    text = page.read_text(encoding="utf-8")
    page.write_text(performance_page.fill_page(text, reports), "utf-8")
    print(f"{page}: tables of {len(reports)} reports")
    if failed:
        sys.exit(f"Failed: {', '.join(x.name for x in failed)}; see above.")


if __name__ == "__main__":
    app.run(main)
