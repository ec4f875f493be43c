"""Fills the tables of docs/performance.md from reports of the benchmarks.

The page's text is written by hand. A table stands between two comments:

    <!-- table NAME -->
    <!-- end -->

`NAME` is a program of benchmarks/all_programs.py, whose tables are inserted
there, `machine` (the machines that were measured on) or `goals` (all goals).
"""

import json
import pathlib
import re

from measurement.report import Report
from measurement.report import format_table

BLOCK = re.compile(
    r"^<!-- table (?P<name>\w+) -->$.*?^<!-- end -->$",
    re.MULTILINE | re.DOTALL,
)


def load_reports(folder: pathlib.Path, names: list[str]) -> dict[str, Report]:
    """Reads the reports `NAME.json` of a folder that exist, in this order.

    Raises:
        ValueError: If a file is not a report.
    """
    reports = {}
    for name in names:
        path = folder / f"{name}.json"
        if not path.is_file():
            continue
        try:
            reports[name] = Report(**json.loads(path.read_bytes()))
        except (TypeError, ValueError) as error:
            raise ValueError(
                "Expected a report as the --output flag of a benchmark writes "
                f"it. Received: {path}. Remove the file, or run its program "
                "again."
            ) from error
    return reports


def fill_page(page: str, reports: dict[str, Report]) -> str:
    """Replaces the tables of a page by those of the reports.

    Args:
        page: Text of the page.
        reports: Reports by program. The block of a program without a report
            says that it was not measured.

    Returns:
        The page's new text.

    Raises:
        ValueError: If a report has no block in the page.
    """
    blocks = {name: format_report(x) for name, x in reports.items()}
    blocks["machine"] = format_machines(reports)
    blocks["goals"] = format_goals(reports)
    found = [match["name"] for match in BLOCK.finditer(page)]
    if missing := sorted(blocks.keys() - set(found)):
        raise ValueError(
            "Expected a page with the line `<!-- table NAME -->` for every "
            f"report. Received: a page without NAME={missing}. Add a section "
            "for it to docs/performance.md."
        )

    def fill(match):
        name = match["name"]
        text = blocks.get(name, "Not measured.")
        return f"<!-- table {name} -->\n\n{text}\n\n<!-- end -->"

    return BLOCK.sub(fill, page)


def format_report(report: Report) -> str:
    """Formats the tables of a report, each below its caption."""
    return "\n\n".join(
        f"{x['caption']}:\n\n{format_table(x['header'], x['rows'])}"
        for x in report.tables
    )


def format_goals(reports: dict[str, Report]) -> str:
    """Formats one table of all goals, below the number of those met."""
    goals = [
        (name, x) for name, report in reports.items() for x in report.goals
    ]
    rows = []
    for name, goal in goals:
        word = "at most" if goal["at_most"] else "at least"
        limit = f"{word} {format_number(goal['limit'])}"
        met = "met" if goal["met"] else "**not met**"
        text = goal["goal"].replace("|", r"\|")
        rows.append([text, limit, format_number(goal["value"]), met, name])
    header = ["goal", "limit", "value", "result", "program"]
    num_met = sum(goal["met"] for _, goal in goals)
    summary = f"**{num_met} of {len(rows)} goals are met.**"
    return f"{summary}\n\n{format_table(header, rows)}"


def format_machines(reports: dict[str, Report]) -> str:
    """Formats a table with a column for each machine, whatever its load."""
    groups = {}  # machine as JSON: loads and names of reports
    for name, report in reports.items():
        machine = dict(report.machine)
        load = machine.pop("load")
        loads, names = groups.setdefault(json.dumps(machine), ([], []))
        loads.append(load)
        names.append(name)
    machines = [json.loads(machine) for machine in groups]
    rows = {
        "programs": [", ".join(names) for _, names in groups.values()],
        "processor": [x["processor"] for x in machines],
        "cores": [x["cores"] for x in machines],
        "memory": [f"{x['memory_gib']} GiB" for x in machines],
        "bfloat16": [", ".join(x["bfloat16"]) or "no" for x in machines],
        "load at the start": [
            " to ".join(dict.fromkeys(f"{f(loads):.1f}" for f in (min, max)))
            for loads, _ in groups.values()
        ],
        "packages": [
            ", ".join(f"{name} {x}" for name, x in machine["versions"].items())
            for machine in machines
        ],
    }
    header = ["", *(f"machine {x + 1}" for x in range(len(groups)))]
    return format_table(
        header, [[name, *map(str, cells)] for name, cells in rows.items()]
    )


def format_number(value: float) -> str:
    """Formats a number with three significant digits."""
    return f"{float(f'{value:.3g}'):,.10g}"
