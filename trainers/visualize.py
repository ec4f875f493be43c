"""Plots the accuracy of runs over the epochs, and their attention.

    python trainers/visualize.py --runs=runs/shifted,runs/plain \
        --data_dir=records/flash_mnist --output_dir=plots

This writes `accuracy.png` with a curve for each run (Figure 4 of the paper) and
`attention_RUN.png` for each run (Figure 5). If folders have the same name, the
names of their parent folders are added. Multi-label runs have other metrics:
`--metric=gap` plots `gap.png`.
"""

import pathlib

import keras
from absl import app
from absl import flags

import ac_keras  # noqa: F401, makes the layers known to load_model
from ac_keras import visualization
from ac_keras.pipeline import Manifest

_RUNS = flags.DEFINE_list(
    "runs", None, "Output folders of trainers/train.py.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of their dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for the plots.", required=True
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 3, "Number of clips in an attention plot.", lower_bound=1
)
_METRIC = flags.DEFINE_string(
    "metric",
    "accuracy",
    "Metric to plot over the epochs; its values must lie between 0 and 1.",
)

NEEDED = ("model.keras", "epochs.csv")


def check_runs(runs: dict[str, pathlib.Path]) -> None:
    """Checks that the files to plot exist.

    Raises:
        SystemExit: If a run lacks one.
    """
    missing = [
        str(path / name)
        for path in runs.values()
        for name in NEEDED
        if not (path / name).is_file()
    ]
    if missing:
        raise SystemExit(
            f"Expected every run to have {' and '.join(NEEDED)}. Received: no "
            f"{', no '.join(missing)}. A run writes them at its end; "
            "leave it out or train it to the end."
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        runs = visualization.name_runs(_RUNS.value)
    except ValueError as error:
        raise app.UsageError(str(error)) from error
    check_runs(runs)
    manifest = Manifest.load(_DATA_DIR.value)
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    output_dir.mkdir(parents=True, exist_ok=True)
    try:
        visualization.save_accuracy_curves(
            {name: path / "epochs.csv" for name, path in runs.items()},
            output_dir / f"{_METRIC.value}.png",
            metric=_METRIC.value,
        )
    except ValueError as error:
        raise SystemExit(str(error)) from error
    for name, folder in runs.items():
        path = output_dir / f"attention_{name.replace('/', '-')}.png"
        drawn = visualization.save_preview_attention(
            keras.models.load_model(folder / "model.keras"),
            manifest,
            path,
            num_clips=_NUM_CLIPS.value,
        )
        if not drawn:
            print(f"{_DATA_DIR.value} keeps no images; {path} was left out.")
    print(f"The plots are in {output_dir}")


if __name__ == "__main__":
    app.run(main)
