"""Reports as benchmarks write them, of made-up figures."""

import json

MACHINE = {
    "processor": "Abacus 9",
    "cores": 2,
    "memory_gib": 24,
    "bfloat16": ["amx_bf16"],
    "load": 0.25,
    "versions": {"python": "3.11.7", "tensorflow": "2.17.1"},
}


def goal(text, figure, limit, at_most=True):
    met = figure <= limit if at_most else figure >= limit
    return {
        "goal": text,
        "figure": figure,
        "limit": limit,
        "at_most": at_most,
        "met": met,
    }


def report(subject, *goals, rows=(("ours", "1.5"),), **machine):
    """Gives a report with one table of two columns."""
    table = {"caption": f"{subject}, ms", "header": ["way", "time"]}
    name = subject.lower()
    return {
        "subject": subject,
        "about": f"About the {name}.",
        "tables": [{**table, "rows": [list(row) for row in rows]}],
        "goals": list(goals),
        "machine": {**MACHINE, **machine},
        "command": f"python benchmarks/{name}.py --few --output=/tmp/x.json",
    }


def write(folder, **reports):
    """Writes reports by their files' names."""
    folder.mkdir(exist_ok=True)
    for name, content in reports.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder
