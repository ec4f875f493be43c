"""Prints a trained model's predictions for the clips of a split.

    python trainers/predict.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=test --num_clips=5

Every line is a JSON object: the clip's id, its labels by name, and the most
probable classes with their probabilities. In place of the model a server of it
can be named; it is sent the clips:

    python trainers/predict.py --server=localhost:8500 \
        --model_name=flash_mnist --data_dir=records/flash_mnist
"""

import itertools
import json
import sys

import numpy as np
from absl import app
from absl import flags

from ac_keras import serving
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

_MODEL = flags.DEFINE_string("model", None, "The model.keras of a run.")
_SERVER = flags.DEFINE_string(
    "server", None, "host:port of a model server, in place of --model."
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name", None, "The name that the server has for the model."
)
_PROTOCOL = flags.DEFINE_enum(
    "protocol", "grpc", ["grpc", "rest"], "How to ask the server."
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 60, "Seconds for a request to the server with all its attempts."
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
        for row, clip_id in enumerate(ids):
            yield describe(
                clip_id.decode(), labels[row], probabilities[row], names
            )


def served_predictions(manifest):
    """Yields the same dicts, of what a server says."""
    names = manifest.description.class_names
    with serving.Client(
        _SERVER.value,
        _MODEL_NAME.value,
        protocol=_PROTOCOL.value,
        timeout=_TIMEOUT.value,
        batch_size=_BATCH_SIZE.value,
    ) as client:
        for clip in serving.predict_split(
            client,
            manifest,
            _SPLIT.value,
            batch_size=_BATCH_SIZE.value,
            sample_size=_EVAL_FRAMES.value,
            num_clips=_NUM_CLIPS.value or None,
        ):
            yield describe(*clip, names)


def describe(clip_id, labels, probabilities, names):
    """Gives what is printed of a clip."""
    best = np.argsort(-probabilities)[: _TOP_K.value]
    return {
        "id": clip_id,
        "labels": [names[i] for i in label_indices(labels)],
        "classes": [names[i] for i in best],
        "scores": [round(float(probabilities[i]), 6) for i in best],
    }


def check_flags():
    """Refuses both of --model and --server, and neither."""
    if (_MODEL.value is None) == (_SERVER.value is None):
        raise ValueError(
            "Expected either --model or --server. Received: "
            f"model={_MODEL.value}, server={_SERVER.value}. Give one of them."
        )
    if _SERVER.value is not None and not _MODEL_NAME.value:
        raise ValueError(
            "Expected --model_name with --server. Received: "
            f"model_name={_MODEL_NAME.value}. Give the name under which the "
            "model is served."
        )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        check_flags()
        manifest = Manifest.load(_DATA_DIR.value)
        if _SERVER.value is not None:
            clips = served_predictions(manifest)
        else:
            model = training.load_classifier(_MODEL.value, manifest.description)
            clips = predictions(model, manifest)
        with training.named_damage(manifest, _SPLIT.value):
            for clip in itertools.islice(clips, _NUM_CLIPS.value or None):
                print(json.dumps(clip))
    except (
        FileNotFoundError,
        ImportError,
        ValueError,
        serving.ServerError,
    ) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
