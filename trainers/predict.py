"""Names the most probable classes of clips, by a trained model.

Of the clips of a dataset's split, printed with their labels:

    python trainers/predict.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=test --num_clips=5

Every line is a JSON object: the clip's id, its labels by name, and the most
probable classes with their probabilities. A model server can be asked in place
of a model here:

    python trainers/predict.py --server=localhost:8500 \
        --model_name=flash_mnist --data_dir=records/flash_mnist

Of all clips in files of records, labelled or not, in the format that a
dataset's manifest.json describes (its own files may be missing):

    python trainers/predict.py --model=runs/kinetics/model.keras \
        --data_dir=records/kinetics --records='new/part-*' --output=predicted

The output folder receives a file of predictions for each file of records. The
same command goes on with a run that was stopped. docs/prediction.md tells more.

Of media files, by a model of a dataset that data/videos/extract_features.py
wrote:

    python trainers/predict.py --model=runs/mine/model.keras \
        --data_dir=records/mine --explain=pictures clip.mp4 other.webm

prints a line for each, and draws what the model attended to. A file that cannot
be used has a line with its `error`; the others are done, and the exit status is
1.
"""

import itertools
import json
import signal
import sys

import numpy as np
from absl import app
from absl import flags

from ac_keras import prediction
from ac_keras import runs
from ac_keras import serving
from ac_keras import training
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.prediction.clip_predictor import ClipPredictor
from ac_keras.prediction.media_files import predict_media

_MODEL = flags.DEFINE_string("model", None, "The model.keras of a run.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
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

# A split, printed.
_SPLIT = flags.DEFINE_string("split", "test", "The split to predict.")
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 0, "Only so many clips; 0 takes all.", lower_bound=0
)
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

# Files of records.
_RECORDS = flags.DEFINE_list(
    "records", None, "Patterns of files, in place of a split."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the predictions of --records."
)
_FORMAT = flags.DEFINE_enum(
    "format", "jsonl", list(prediction.FORMATS), "How to write them."
)
_SHARE = flags.DEFINE_list(
    "share",
    "0,1",
    "INDEX,COUNT: take every COUNT-th file from number INDEX on, and leave "
    "the others to other processes.",
)
_SKIP_BROKEN_RECORDS = flags.DEFINE_bool(
    "skip_broken_records",
    False,
    "Whether to leave out records that cannot be used; summary.json lists "
    "them. Else they are errors.",
)

# Media files, which are arguments.
_EXPLAIN = flags.DEFINE_string(
    "explain", None, "Folder for a picture of each media file."
)

FLAGS_OF_SERVERS = (_SERVER, _MODEL_NAME, _PROTOCOL, _TIMEOUT)
FLAGS_OF_SPLITS = (_SPLIT, _NUM_CLIPS, *FLAGS_OF_SERVERS)
FLAGS_OF_RECORDS = (_OUTPUT, _FORMAT, _SHARE, _SKIP_BROKEN_RECORDS)
FLAGS_NOT_OF_MEDIA = (
    _RECORDS,
    _BATCH_SIZE,
    *FLAGS_OF_SPLITS,
    *FLAGS_OF_RECORDS,
)


def check_flags(media: list[str]) -> None:
    """Raises app.UsageError where flags of several uses are mixed."""
    parse_share()
    if media:
        refuse(FLAGS_NOT_OF_MEDIA, "with media files")
    elif _RECORDS.value is not None:
        refuse((*FLAGS_OF_SPLITS, _EXPLAIN), "with --records")
    else:
        refuse(FLAGS_OF_RECORDS, "without --records")
        refuse((_EXPLAIN,), "without media files")
    check_source()
    if _RECORDS.value is not None and not _OUTPUT.value:
        raise app.UsageError(
            "Expected --output with --records. Received: none. Name a "
            "folder for the predictions."
        )


def refuse(others: tuple, use: str) -> None:
    """Raises app.UsageError if one of some flags is given."""
    mixed = [f"--{flag.name}" for flag in others if flag.present]
    if mixed:
        raise app.UsageError(
            f"Expected no {mixed[0]} {use}. Received: {', '.join(mixed)}. "
            "Leave it out."
        )


def check_source() -> None:
    """Raises app.UsageError where not one model is named."""
    if (_MODEL.value is None) == (_SERVER.value is None):
        raise app.UsageError(
            "Expected either --model or --server. Received: "
            f"model={_MODEL.value}, server={_SERVER.value}. Give one of them."
        )
    if _SERVER.value is not None and not _MODEL_NAME.value:
        raise app.UsageError(
            "Expected --model_name with --server. Received: "
            f"model_name={_MODEL_NAME.value}. Give the name under which the "
            "model is served."
        )


def parse_share() -> tuple[int, int]:
    """Reads --share; what it means is checked later."""
    if len(_SHARE.value) != 2 or not all(x.isdecimal() for x in _SHARE.value):
        raise app.UsageError(
            "Expected --share as INDEX,COUNT. Received: "
            f"{','.join(_SHARE.value)}. Of two processes, one takes 0,2 and "
            "the other 1,2."
        )
    index, count = map(int, _SHARE.value)
    return index, count


def predict_split() -> None:
    """Prints a line for each clip of the split, in its order."""
    manifest = Manifest.load(_DATA_DIR.value)
    if _SERVER.value is not None:
        clips = served_predictions(manifest)
    else:
        model = runs.load_classifier(_MODEL.value, manifest.description)
        clips = predictions(model, manifest)
    with runs.named_damage(manifest, _SPLIT.value):
        for clip in itertools.islice(clips, _NUM_CLIPS.value or None):
            print(json.dumps(clip))


def predictions(model, manifest: Manifest):
    """Yields a dict for each clip of the split, in its order."""
    for clip in prediction.predict_split(
        model,
        manifest,
        _SPLIT.value,
        top_k=_TOP_K.value,
        batch_size=_BATCH_SIZE.value,
        sample_size=_EVAL_FRAMES.value,
    ):
        yield describe(*clip, manifest.description.class_names)


def served_predictions(manifest: Manifest):
    """Yields the same dicts, of what a server says."""
    names = np.array(manifest.description.class_names)
    with serving.Client(
        _SERVER.value,
        _MODEL_NAME.value,
        protocol=_PROTOCOL.value,
        timeout=_TIMEOUT.value,
        batch_size=_BATCH_SIZE.value,
    ) as client:
        for clip_id, labels, probabilities in serving.predict_split(
            client,
            manifest,
            _SPLIT.value,
            batch_size=_BATCH_SIZE.value,
            sample_size=_EVAL_FRAMES.value,
            num_clips=_NUM_CLIPS.value or None,
        ):
            best = np.argsort(-probabilities)[: _TOP_K.value]
            yield describe(
                clip_id, labels, names[best], probabilities[best], names
            )


def describe(clip_id, labels, classes, scores, names) -> dict:
    """Gives what is printed of a clip, of one label or of several."""
    indices = np.flatnonzero(labels) if labels.ndim else [labels]
    return {
        "id": clip_id,
        "labels": [str(names[i]) for i in indices],
        "classes": classes.tolist(),
        "scores": [round(x, 6) for x in scores.tolist()],
    }


def predict_records() -> None:
    """Writes the predictions of all files and prints what was done."""
    description = Description.load(_DATA_DIR.value)
    with training.StopSignal() as signals:
        model = runs.load_classifier(_MODEL.value, description)
        outcome = prediction.predict_files(
            model,
            description,
            _RECORDS.value,
            _OUTPUT.value,
            model_id=prediction.hash_file(_MODEL.value),
            format=_FORMAT.value,
            top_k=_TOP_K.value,
            sample_size=_EVAL_FRAMES.value,
            batch_size=_BATCH_SIZE.value,
            share=parse_share(),
            skip_broken_records=_SKIP_BROKEN_RECORDS.value,
            signals=signals,
        )
    print(outcome)


def predict_media_files(paths: list[str]) -> None:
    """Prints a line for each media file."""
    description = Description.load(_DATA_DIR.value)
    model = runs.load_classifier(_MODEL.value, description)
    predictor = ClipPredictor(
        model, _DATA_DIR.value, _TOP_K.value, _EVAL_FRAMES.value
    )
    num_broken = 0
    for row in predict_media(predictor, paths, _EXPLAIN.value):
        print(json.dumps(row), flush=True)
        num_broken += "error" in row
    if num_broken:
        sys.exit(f"{num_broken} of {len(paths)} files could not be used.")


def main(argv):
    media = argv[1:]
    check_flags(media)
    try:
        if media:
            predict_media_files(media)
        elif _RECORDS.value is not None:
            predict_records()
        else:
            predict_split()
    except prediction.PredictionStopped as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(128 + signal.Signals[stopped.signal])
    except (
        OSError,
        ValueError,
        ImportError,
        serving.ServerError,
    ) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
