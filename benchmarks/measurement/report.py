"""Tables and goals of a benchmark: printed, and written as JSON."""

import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import re
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


def describe_machine() -> dict:
    """Describes the processor, memory, load and versions of the packages."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    names = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    bfloat16 = re.findall(r"\b(?:avx512|amx)_bf16\b", text)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "processor": ", ".join(sorted(set(names))),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "bfloat16": sorted(set(bfloat16)),
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


@dataclasses.dataclass
class Report:
    """Tables and goals of a program, which are printed as they are added.

    Attributes:
        tables: Dicts with `"caption"`, `"header"` and `"rows"` of strings.
        goals: Dicts with `"goal"`, `"value"`, `"limit"`, `"at_most"` and
            `"met"`.
        machine: The machine and its load when the report was created.
    """

    tables: list[dict] = dataclasses.field(default_factory=list)
    goals: list[dict] = dataclasses.field(default_factory=list)
    machine: dict = dataclasses.field(default_factory=describe_machine)

    def add_table(self, caption: str, header: list, rows: list[list]):
        """Adds a table and prints it.

        Args:
            caption: Description of the rows, with the unit of their numbers.
            header: Name of each column; the first column names the rows.
            rows: Cells of each row, as many as the header has. Numbers are
                rounded by the caller.
        """
        for row in rows:
            if len(row) != len(header):
                raise ValueError(
                    f"Report expects rows as long as the header {header}. "
                    f"Received: {row}."
                )
        cells = [[str(cell) for cell in row] for row in rows]
        header = [str(cell) for cell in header]
        self.tables.append(
            {"caption": caption, "header": header, "rows": cells}
        )
        print(f"\n{caption}\n\n{format_table(header, cells)}", flush=True)

    def add_goal(
        self, goal: str, value: float, limit: float, at_most: bool = True
    ):
        """Adds a goal and prints whether it is met.

        Args:
            goal: Name of the value, such as `"Kinetics step, float32, times
                the lower bound"`.
            value: Measured value.
            limit: Value to reach.
            at_most: Whether the limit is an upper limit, else a lower one.
        """
        met = value <= limit if at_most else value >= limit
        self.goals.append(
            {
                "goal": goal,
                "value": float(value),
                "limit": float(limit),
                "at_most": at_most,
                "met": bool(met),
            }
        )
        sign, word = "<=" if at_most else ">=", "met" if met else "not met"
        print(f"Goal: {goal} {sign} {limit:g}: {value:.3g}, {word}")

    def write(self, path: str | os.PathLike | None):
        """Writes the report as JSON; without a path, does nothing."""
        if path:
            path = pathlib.Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            # ac_keras has functions for this, but needs TensorFlow.
            partial = path.with_name(f".{path.name}.partial")
            text = json.dumps(dataclasses.asdict(self), indent=1)
            partial.write_text(text + "\n", encoding="utf-8")
            partial.replace(path)


def format_table(header: list[str], rows: list[list[str]]) -> str:
    """Formats a table in Markdown, all columns but the first right-aligned."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(x)} |" for x in [header, rule, *rows])
