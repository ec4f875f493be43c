"""What a benchmark found: its tables and the goals that they speak to."""

import dataclasses
import json
import os
import pathlib
import platform
import sys
from importlib import metadata

PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "jax",
    "torch",
    "paddlepaddle",
    "opencv-contrib-python-headless",
    "av",
)


@dataclasses.dataclass
class Report:
    """Collects a program's figures, prints them and writes them as JSON.

    `benchmarks/performance_page.py` makes docs/performance.md of the files.

    Attributes:
        subject: The subject's heading in the page, such as `"Reader"`.
        about: A sentence or some on what is measured, and against what floor.
        tables: Tables so far.
        goals: Goals so far.
        machine: The machine and its load when the report was begun.
    """

    subject: str
    about: str
    tables: list[dict] = dataclasses.field(default_factory=list)
    goals: list[dict] = dataclasses.field(default_factory=list)
    machine: dict = dataclasses.field(
        default_factory=lambda: describe_machine()
    )

    def add_table(self, caption: str, header: list, rows: list[list]):
        """Adds a table, numbers rounded as they are to be read, and prints it.

        Args:
            caption: What the rows are, with the unit of their numbers.
            header: A text for each column; the first names the rows.
            rows: A list for each row, as long as the header.
        """
        for row in rows:
            if len(row) != len(header):
                raise ValueError(
                    f"Report expects rows as long as the header {header}. "
                    f"Received: {row}."
                )
        cells = [[str(cell) for cell in row] for row in rows]
        header = [str(cell) for cell in header]
        table = {"caption": caption, "header": header, "rows": cells}
        self.tables.append(table)
        print(f"\n{caption}\n\n{markdown(table)}", flush=True)

    def add_goal(
        self, text: str, figure: float, limit: float, at_most: bool = True
    ):
        """Adds a goal and tells whether its figure meets it.

        Args:
            text: What the figure is, such as `"Kinetics step, float32, times
                its floor"`.
            figure: What was measured.
            limit: What it ought to be.
            at_most: Whether the figure ought to be the limit or below it,
                else the limit or above.
        """
        met = figure <= limit if at_most else figure >= limit
        self.goals.append(
            {
                "goal": text,
                "figure": float(figure),
                "limit": float(limit),
                "at_most": at_most,
                "met": bool(met),
            }
        )
        sign, word = "<=" if at_most else ">=", "met" if met else "not met"
        print(f"Goal: {text} {sign} {limit:g}: {figure:.3g}, {word}")

    def write(self, path: str | os.PathLike | None):
        """Writes all of it as JSON, or nothing without a path."""
        if path:
            about = dataclasses.asdict(self)
            about["command"] = " ".join(
                ["python", *map(str, [_program(), *sys.argv[1:]])]
            )
            path = pathlib.Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not by ac_keras.pipeline, which needs TensorFlow.
            partial = path.with_name(f".{path.name}.partial")
            partial.write_text(json.dumps(about, indent=1) + "\n")
            partial.replace(path)


def markdown(table: dict) -> str:
    """Gives a table's text in Markdown."""
    lines = [table["header"], ["---"] + ["---:"] * (len(table["header"]) - 1)]
    return "\n".join(
        f"| {' | '.join(line)} |" for line in lines + table["rows"]
    )


def describe_machine() -> dict:
    """Describes processor, memory, load and the packages' versions."""
    names, flags = set(), set()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            names.add(value.strip())
        elif key.strip() == "flags":
            flags.update(value.split())
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": ", ".join(sorted(names)),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30),
        "bfloat16": sorted(flags & {"avx512_bf16", "amx_bf16"}),
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


def _program():
    path = pathlib.Path(sys.argv[0]).resolve()
    root = pathlib.Path(__file__).resolve().parents[1]
    return path.relative_to(root) if path.is_relative_to(root) else path.name
