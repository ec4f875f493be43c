"""Draws runs: their accuracy over the epochs and what they attend to.

    python trainers/visualize.py --runs=runs/shifted,runs/plain \
        --data_dir=records/flash_mnist --output_dir=pictures

writes `accuracy.png` with a curve for each run (the paper's Figure 4) and
`attention_RUN.png` for each run (Figure 5).
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
    "output_dir", None, "Folder of the pictures.", required=True
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 3, "Clips in an attention map.", lower_bound=1
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    output_dir.mkdir(parents=True, exist_ok=True)
    runs = [pathlib.Path(run) for run in _RUNS.value]
    visualization.save_accuracy_curves(
        {run.name: run / "epochs.csv" for run in runs},
        output_dir / "accuracy.png",
    )
    manifest = Manifest.load(_DATA_DIR.value)
    for run in runs:
        path = output_dir / f"attention_{run.name}.png"
        drawn = visualization.save_preview_attention(
            keras.models.load_model(run / "model.keras"),
            manifest,
            path,
            num_clips=_NUM_CLIPS.value,
        )
        if not drawn:
            print(f"{_DATA_DIR.value} keeps no images; {path} was left out.")
    print(f"The pictures are in {output_dir}")


if __name__ == "__main__":
    app.run(main)
