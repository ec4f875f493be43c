"""Writes a Markdown page of runs: results, commands and curves.

    python trainers/tabulate.py --runs=runs/a,runs/b --title=Flash-MNIST \
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

from ac_keras.pipeline import atomic_file

_RUNS = flags.DEFINE_list(
    "runs", None, "Output folders of trainers/train.py.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "The Markdown file to write.", required=True
)
_TITLE = flags.DEFINE_string("title", None, "Its title.", required=True)

KEPT = ("flags.json", "result.json", "epochs.csv")
HEADER = """\
| run | parameters | best epoch | validation | test | test, top 5 | \
test, SavedModel | training |
|---|---|---|---|---|---|---|---|
"""


def row(run: pathlib.Path) -> str:
    """Gives a run's row of the table."""
    result = json.loads((run / "result.json").read_text())
    shares = (
        "validation_accuracy",
        "test_accuracy",
        "test_top_5_accuracy",
        "test_accuracy_of_saved_model",
    )
    cells = [
        f"[{run.name}]({page_name()}/{run.name}/epochs.csv)",
        f"{result['parameters']:,}",
        f"{result['best_epoch']} of {result['epochs']}",
        *(f"{100 * result[share]:.2f} %" for share in shares),
        f"{result['training_seconds'] / 60:.1f} min",
    ]
    return "| " + " | ".join(cells) + " |\n"


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
    page = f"# {_TITLE.value}\n\n{HEADER}{''.join(map(row, runs))}\n"
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
