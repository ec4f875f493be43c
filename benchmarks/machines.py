"""On which machines the figures of a page were measured."""

from report import markdown


def describe_machines(reports: dict[str, dict]) -> str:
    """Gives a table of the reports' machines, a column each.

    Machines are the same if all but their load is.

    Args:
        reports: Reports by name.
    """
    groups = []  # of a machine, its loads and its reports' names
    for name, report in reports.items():
        machine = dict(report["machine"])
        load = machine.pop("load")
        for other, loads, names in groups:
            if other == machine:
                loads.append(load)
                names.append(name)
                break
        else:
            groups.append((machine, [load], [name]))
    header = ["", *(f"machine {x + 1}" for x in range(len(groups)))]
    rows = {"figures": [", ".join(names) for *_, names in groups]}
    if len(groups) == 1:
        header, rows = ["", "all figures"], {}
    machines = [machine for machine, *_ in groups]
    rows["processor"] = [x["processor"] for x in machines]
    rows["cores"] = [x["cores"] for x in machines]
    rows["memory"] = [f"{x['memory_gib']} GiB" for x in machines]
    rows["bfloat16"] = [", ".join(x["bfloat16"]) or "no" for x in machines]
    rows["load at the programs' start"] = [
        " to ".join(dict.fromkeys(f"{f(loads):.1f}" for f in (min, max)))
        for _, loads, _ in groups
    ]
    rows["packages"] = [
        ", ".join(f"{name} {x}" for name, x in machine["versions"].items())
        for machine in machines
    ]
    table = markdown(
        {
            "header": header,
            "rows": [[k, *map(str, cells)] for k, cells in rows.items()],
        }
    )
    if len(groups) == 1:
        return table
    return (
        f"**The figures are of {len(groups)} machines or installations**: "
        f"compare within a column.\n\n{table}"
    )
