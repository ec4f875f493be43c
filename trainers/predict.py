"""Predicts the most probable classes of clips with a trained model.

Clips of a dataset's split are printed with their labels:

    python trainers/predict.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=test --num_clips=5

Each line is a JSON object: the clip's id, the names of its labels, and the most
probable classes with their probabilities. A model server can be used in place
of a local model:

    python trainers/predict.py --server=localhost:8500 \
        --model_name=flash_mnist --data_dir=records/flash_mnist

Record files, labelled or not, must have the format that the dataset's
manifest.json describes; the dataset's own files may be missing:

    python trainers/predict.py --model=runs/kinetics/model.keras \
        --data_dir=records/kinetics --records='new/part-*' --output=predicted

The output folder receives a file of predictions for each record file. The same
command resumes a run that was stopped. See docs/prediction.md.

Media files need a model of a dataset that data/videos/extract_features.py
wrote:

    python trainers/predict.py --model=runs/mine/model.keras \
        --data_dir=records/mine --explain=plots clip.mp4 other.webm

This prints a line for each file and plots what the model attended to. The line
of a file that cannot be used has an `error`; the other files are still
predicted, and the exit status is 1.
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
from ac_keras.utils.deprecated_flags import define_deprecated_flag

_MODEL = flags.DEFINE_string("model", None, "Path of the model.keras of a run.")
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_TOP_K = flags.DEFINE_integer(
    "top_k", 5, "Number of most probable classes to print.", lower_bound=1
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames taken at equal intervals from each clip; 0 takes all.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Number of clips in a batch.", lower_bound=1
)

# Clips of a split.
_SPLIT = flags.DEFINE_string("split", "test", "Split to predict.")
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 0, "Number of clips to print; 0 prints all.", lower_bound=0
)
_SERVER = flags.DEFINE_string(
    "server", None, "Address host:port of a model server, in place of --model."
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name", None, "Name of the model on the server."
)
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "grpc",
    ["grpc", "rest"],
    "Protocol of the requests to the server.",
)
_TIMEOUT = flags.DEFINE_float(
    "timeout",
    60,
    "Timeout of a request to the server in seconds, over all attempts.",
)

# Record files.
_RECORDS = flags.DEFINE_list(
    "records", None, "Patterns of record files, in place of a split."
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for the predictions of --records."
)
_FORMAT = flags.DEFINE_enum(
    "format", "jsonl", list(prediction.FORMATS), "Format of the predictions."
)
_SHARD = flags.DEFINE_list(
    "shard",
    "0,1",
    "Shard of the record files that this process reads, as INDEX,COUNT: every "
    "COUNT-th file, starting with file INDEX.",
)
define_deprecated_flag("share", _SHARD)
_SKIP_CORRUPT_RECORDS = flags.DEFINE_bool(
    "skip_corrupt_records",
    False,
    "Leave out records that cannot be used, and list them in summary.json. By "
    "default they are errors.",
)
define_deprecated_flag("skip_broken_records", _SKIP_CORRUPT_RECORDS)

# Media files, which are positional arguments.
_EXPLAIN = flags.DEFINE_string(
    "explain",
    None,
    "Folder for a plot of what the model attended to in each media file.",
)

FLAGS_OF_SERVERS = (_SERVER, _MODEL_NAME, _PROTOCOL, _TIMEOUT)
FLAGS_OF_SPLITS = (_SPLIT, _NUM_CLIPS, *FLAGS_OF_SERVERS)
FLAGS_OF_RECORDS = (_OUTPUT, _FORMAT, _SHARD, _SKIP_CORRUPT_RECORDS)
FLAGS_NOT_OF_MEDIA = (
    _RECORDS,
    _BATCH_SIZE,
    *FLAGS_OF_SPLITS,
    *FLAGS_OF_RECORDS,
)


def check_flags(media: list[str]) -> None:
    """Raises app.UsageError if flags of several uses are mixed."""
    parse_shard()
    if media:
        reject(FLAGS_NOT_OF_MEDIA, "with media files")
    elif _RECORDS.value is not None:
        reject((*FLAGS_OF_SPLITS, _EXPLAIN), "with --records")
    else:
        reject(FLAGS_OF_RECORDS, "without --records")
        reject((_EXPLAIN,), "without media files")
    check_source()
    if _RECORDS.value is not None and not _OUTPUT.value:
        raise app.UsageError(
            "Expected --output with --records. Received: none. Name a "
            "folder for the predictions."
        )


def reject(others: tuple, use: str) -> None:
    """Raises app.UsageError if one of these flags is given."""
    mixed = [f"--{flag.name}" for flag in others if flag.present]
    if mixed:
        raise app.UsageError(
            f"Expected no {mixed[0]} {use}. Received: {', '.join(mixed)}. "
            "Leave it out."
        )


def check_source() -> None:
    """Raises app.UsageError unless exactly one model is named."""
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


def parse_shard() -> tuple[int, int]:
    """Parses --shard. Its range is checked when it is used."""
    if len(_SHARD.value) != 2 or not all(x.isdecimal() for x in _SHARD.value):
        raise app.UsageError(
            "Expected --shard as INDEX,COUNT. Received: "
            f"{','.join(_SHARD.value)}. Of two processes, one takes 0,2 and "
            "the other 1,2."
        )
    index, count = map(int, _SHARD.value)
    return index, count


def predict_split() -> None:
    """Prints a line for each clip of the split, in its order."""
    manifest = Manifest.load(_DATA_DIR.value)
    if _SERVER.value is not None:
        clips = served_predictions(manifest)
    else:
        model = runs.load_classifier(_MODEL.value, manifest.description)
        clips = predictions(model, manifest)
    with runs.name_corrupt_records(manifest, _SPLIT.value):
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
    """Yields the same dicts from the predictions of a server."""
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
    """Returns the values to print for a clip, with one label or several."""
    indices = np.flatnonzero(labels) if labels.ndim else [labels]
    return {
        "id": clip_id,
        "labels": [str(names[i]) for i in indices],
        "classes": classes.tolist(),
        "scores": [round(x, 6) for x in scores.tolist()],
    }


def predict_records() -> None:
    """Writes the predictions of all record files and prints a summary."""
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
            shard=parse_shard(),
            skip_corrupt_records=_SKIP_CORRUPT_RECORDS.value,
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
