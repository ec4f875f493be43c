"""Writes a Markdown page of runs: results, commands and curves.

    python trainers/flash_mnist/tabulate.py --runs=runs/a,runs/b --title=Flash-MNIST \
        --output=docs/results/flash_mnist.md

Everything on the page comes from the runs' own JSON and CSV files. Beside the
page goes a folder of its name with each run's `flags.json`, `result.json` and
`epochs.csv`.
"""

import json
import pathlib
import shutil

from absl import app
from absl import flags

from ac_keras.utils import atomic_file

_RUNS = flags.DEFINE_list(
    "runs", None, "Output folders of trainers/train.py.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The Markdown file to write.", required=True
)
_TITLE = flags.DEFINE_string("title", None, "Its title.", required=True)

KEPT = ("flags.json", "result.json", "epochs.csv")
COLUMNS = {  # Names of figures; others are named as in result.json.
    "validation_accuracy": "validation",
    "validation_gap": "validation, GAP",
    "test_accuracy": "test",
    "test_top_5_accuracy": "test, top 5",
    "test_per_class_accuracy": "test, per class",
    "test_hit_at_1": "test, Hit@1",
    "test_perr": "test, PERR",
    "test_gap": "test, GAP",
    "test_map": "test, mAP",
    "test_accuracy_of_saved_model": "test, SavedModel",
}
LEFT_OUT = ("test_loss", "test_clips_of_saved_model")


def read_result(run: pathlib.Path) -> dict:
    """Reads a run's result.

    Raises:
        SystemExit: If it has none, or is the mean of several runs.
    """
    missing = [name for name in KEPT if not (run / name).is_file()]
    if missing:
        raise SystemExit(
            f"Expected folders of complete runs with {', '.join(KEPT)}. "
            f"Received: {run}, without {', '.join(missing)}. Leave it out or "
            "train it to its end; of a run on several datasets name the "
            "folders in it."
        )
    return json.loads((run / "result.json").read_text())


def figures(results: list[dict]) -> list[str]:
    """Lists the figures that some run has, in the order of the columns."""
    found = {
        name
        for result in results
        for name in result
        if name in COLUMNS or name.startswith("test_")
    }
    known = [name for name in COLUMNS if name in found]
    return known + sorted(found.difference(COLUMNS, LEFT_OUT))


def table(runs: list[pathlib.Path]) -> str:
    """Gives a table with a row for each run."""
    results = [read_result(run) for run in runs]
    names = figures(results)
    columns = [
        "run",
        "parameters",
        "best epoch",
        *(COLUMNS.get(name, name.replace("_", " ")) for name in names),
        "training",
    ]
    lines = [columns, ["---"] * len(columns)]
    for run, result in zip(runs, results, strict=True):
        lines.append(
            [
                f"[{run.name}]({page_name()}/{run.name}/epochs.csv)",
                f"{result['parameters']:,}",
                f"{result['best_epoch']} of {result['epochs']}",
                *(share(result.get(name)) for name in names),
                f"{result['training_seconds'] / 60:.1f} min",
            ]
        )
    rule = "|" + "|".join(lines.pop(1)) + "|\n"
    header, *rows = ("| " + " | ".join(cells) + " |\n" for cells in lines)
    return header + rule + "".join(rows)


def share(value: float | None) -> str:
    """Gives a share as a percentage, nothing where it was not measured."""
    return "" if value is None else f"{100 * value:.2f} %"


def command(run: pathlib.Path) -> str:
    """Gives the command that makes a run again."""
    values = json.loads((run / "flags.json").read_text())
    lines = [
        f"    --{name}={','.join(x) if isinstance(x, list) else x}"
        for name, x in values.items()
    ]
    return "python trainers/train.py \\\n" + " \\\n".join(lines) + "\n"


def page_name() -> str:
    """Gives the page's name, which is also its folder's."""
    return pathlib.Path(_OUTPUT.value).stem


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output = pathlib.Path(_OUTPUT.value)
    runs = [pathlib.Path(run) for run in _RUNS.value]
    page = f"# {_TITLE.value}\n\n{table(runs)}\n"
    page += "\n".join(
        f"## {run.name}\n\n```\n{command(run)}```\n" for run in runs
    )
    for run in runs:
        kept = output.with_suffix("") / run.name
        kept.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            shutil.copy(run / name, kept / name)
    atomic_file.write_text(output, page)
    print(f"The page is {output}")


if __name__ == "__main__":
    app.run(main)
