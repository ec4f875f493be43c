"""Makes docs/performance.md of what the benchmarks found.

    python benchmarks/performance_page.py --reports=runs/bench \
        --page=docs/performance.md

Reads the folder's JSON files, which programs wrote by `--output`: those of
benchmarks/programs.py in its order, then others. Reports of one subject share
a section. What is known beyond the figures, such as why a goal is not met, is
taken from docs/performance/SUBJECT.md where there is such a file.
"""

import itertools
import json
import pathlib
import re

from absl import app
from absl import flags

from ac_keras.utils.atomic_file import write_text
from machines import describe_machines
from programs import PROGRAMS
from report import markdown

_REPORTS = flags.DEFINE_string("reports", "runs/bench", "Folder of reports.")
_PAGE = flags.DEFINE_string("page", "docs/performance.md", "What is made.")

KEYS = {"subject", "about", "tables", "goals", "machine", "command"}


def load_reports(folder: pathlib.Path) -> dict[str, dict]:
    """Reads a folder's reports, by their files' names, in the page's order.

    Raises:
        ValueError: If there is none, or a file is something else.
    """
    order = [program.name for program in PROGRAMS]
    found = sorted(folder.glob("*.json"), key=lambda path: path.stem)
    found.sort(
        key=lambda path: (
            order.index(path.stem) if path.stem in order else len(order)
        )
    )
    reports = {}
    for path in found:
        try:
            reports[path.stem] = json.loads(path.read_text(encoding="utf-8"))
            fits = KEYS <= reports[path.stem].keys()
        except (AttributeError, UnicodeDecodeError, json.JSONDecodeError):
            fits = False
        if not fits:
            raise ValueError(
                "Expected reports as a benchmark's --output writes them. "
                f"Received: {path}. Run its program again, or remove it."
            )
    if not reports:
        raise ValueError(
            "Expected a folder with a benchmark's JSON file or more. "
            f"Received: {folder}. `make bench` writes them to runs/bench."
        )
    return reports


def by_subject(reports: dict[str, dict]) -> dict[str, list[dict]]:
    """Groups reports, subjects in the order of their first ones."""
    groups = {}
    for report in reports.values():
        groups.setdefault(report["subject"], []).append(report)
    return groups


def describe_goals(groups: dict[str, list[dict]]) -> str:
    """Gives one table of all goals."""
    rows = []
    for subject, reports in groups.items():
        for goal in itertools.chain(*(x["goals"] for x in reports)):
            word = "at most" if goal["at_most"] else "at least"
            rows.append(
                [
                    goal["goal"].replace("|", r"\|"),
                    f"{word} {readable(goal['limit'])}",
                    readable(goal["figure"]),
                    "met" if goal["met"] else "**not met**",
                    f"[{subject}](#{anchor(subject)})",
                ]
            )
    header = ["goal", "limit", "figure", "met or not", "section"]
    return markdown({"header": header, "rows": rows})


def describe_subject(subject: str, reports: list[dict], prose: str) -> str:
    """Gives a section."""
    parts = [f"## {subject}", *dict.fromkeys(x["about"] for x in reports)]
    commands = dict.fromkeys(without_output(x["command"]) for x in reports)
    parts.append("\n".join(f"    {x}" for x in commands))
    for report in reports:
        for table in report["tables"]:
            parts += [f"{table['caption']}:", markdown(table)]
    return "\n\n".join([*parts, *([prose] if prose else [])])


def describe_missing(reports: dict[str, dict]) -> list[str]:
    """Gives a line for each program that has no report."""
    lines = []
    for program in PROGRAMS:
        if program.name not in reports:
            needs = f" needs {program.needs} and" if program.needs else ""
            output = f"--output=runs/bench/{program.name}.json"
            lines.append(f"- `{program.command} {output}`{needs} was not run.")
    return lines


def make_page(reports: dict[str, dict], prose: pathlib.Path) -> str:
    """Gives the page's text, with what lies in the folder of prose."""
    groups = by_subject(reports)
    goals = [x["met"] for report in reports.values() for x in report["goals"]]
    missing = describe_missing(reports)
    summary = (
        f"**{sum(goals)} of {len(goals)} [goals](#goals) are met.** This page "
        "is made again, on any machine, by"
    )
    left_out = f" Not run: {len(missing)}, [listed below](#not-run)."
    parts = [
        "# Performance",
        summary,
        "    make bench",
        "Figures are measured against a floor in the same run, in turns. "
        "Ratios compare; absolute times are this machine's."
        + (left_out if missing else ""),
        "## Machine",
        describe_machines(reports),
        "## Goals",
        describe_goals(groups) if goals else "No report has a goal.",
    ]
    for subject, found in groups.items():
        name = re.sub(r"\W+", "_", subject.lower()).strip("_")
        path = prose / f"{name}.md"
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        parts.append(describe_subject(subject, found, text.strip()))
    if missing:
        parts += ["## Not run", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


def readable(value: float) -> str:
    """Gives a figure with three digits that count."""
    return f"{float(f'{value:.3g}'):,.10g}"


def anchor(heading: str) -> str:
    """Gives a heading's link, as Markdown's readers make them."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def without_output(command: str) -> str:
    """Leaves out where a program wrote its report to."""
    return re.sub(r" --?output[= ]\S+", "", command)


def main(argv):
    del argv
    page = pathlib.Path(_PAGE.value)
    reports = load_reports(pathlib.Path(_REPORTS.value))
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, make_page(reports, page.with_suffix("")))
    print(f"{page}: {len(reports)} reports")


if __name__ == "__main__":
    app.run(main)
