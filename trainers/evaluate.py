"""Measures a trained model on a split of a dataset.

python trainers/evaluate.py --model=runs/flash_mnist/model.keras \
    --data_dir=records/flash_mnist --split=validation
"""

import json

import keras
from absl import app
from absl import flags

import ac_keras  # noqa: F401, makes the layers known to load_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

_MODEL = flags.DEFINE_string(
    "model", None, "The model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_SPLIT = flags.DEFINE_string("split", "test", "The split to measure on.")
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Frames taken at equal intervals from each clip; 0 takes all.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips at a time.", lower_bound=1
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    model = keras.models.load_model(_MODEL.value)
    manifest = Manifest.load(_DATA_DIR.value)
    batches = evaluation_batches(
        manifest,
        _SPLIT.value,
        batch_size=_BATCH_SIZE.value,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.get_layer("clusters").modalities,
    )
    measured = model.evaluate(batches, return_dict=True, verbose=0)
    num_clips = manifest.split(_SPLIT.value).num_clips
    print(json.dumps({"num_clips": num_clips, **measured}, indent=1))


if __name__ == "__main__":
    app.run(main)
