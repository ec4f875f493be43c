"""Prints a trained model's predictions for the clips of a split.

    python trainers/predict.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=test --num_clips=5

Every line is a JSON object: the clip's id, its labels by name, and the most
probable classes with their probabilities.
"""

import itertools
import json
import sys

import numpy as np
from absl import app
from absl import flags

from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

_MODEL = flags.DEFINE_string(
    "model", None, "The model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_SPLIT = flags.DEFINE_string("split", "test", "The split to predict.")
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 0, "Only so many clips; 0 takes all.", lower_bound=0
)
_TOP_K = flags.DEFINE_integer(
    "top_k", 5, "How many classes to name.", lower_bound=1
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Frames taken at equal intervals from each clip; 0 takes all.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips at a time.", lower_bound=1
)


def label_indices(labels):
    """Gives a clip's labels as indices, whether it has one or several."""
    return np.flatnonzero(labels) if labels.ndim else [labels]


def predictions(model, manifest):
    """Yields a dict for each clip of the split, in its order."""
    names = manifest.description.class_names
    for features, labels, ids in evaluation_batches(
        manifest,
        _SPLIT.value,
        batch_size=_BATCH_SIZE.value,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.get_layer("clusters").modalities,
        with_ids=True,
    ).as_numpy_iterator():
        probabilities = model.predict_on_batch(features)
        best = np.argsort(-probabilities, axis=1)[:, : _TOP_K.value]
        for row, clip_id in enumerate(ids):
            yield {
                "id": clip_id.decode(),
                "labels": [names[i] for i in label_indices(labels[row])],
                "classes": [names[i] for i in best[row]],
                "scores": [
                    round(float(probabilities[row, i]), 6) for i in best[row]
                ],
            }


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        manifest = Manifest.load(_DATA_DIR.value)
        model = training.load_classifier(_MODEL.value, manifest.description)
        clips = predictions(model, manifest)
        with training.named_damage(manifest, _SPLIT.value):
            for clip in itertools.islice(clips, _NUM_CLIPS.value or None):
                print(json.dumps(clip))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
