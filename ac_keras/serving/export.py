"""Writing a versioned SavedModel."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import tempfile
from collections.abc import Callable
from collections.abc import Iterator

import keras
import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.pipeline.description import FILE_NAME
from ac_keras.pipeline.description import OWN_RECORDS
from ac_keras.serving import signatures
from ac_keras.serving import warm_up
from ac_keras.serving.signatures import ServedClassifier
from ac_keras.serving.signatures import ServingOptions

PARTIAL = ".partial"


class NewVersion:
    """A version that is being written.

    Attributes:
        partial: Where to write it.
        path: Its folder once it has its number; None before.
    """

    def __init__(self, partial: pathlib.Path):
        self.partial = partial
        self.path = None


@contextlib.contextmanager
def new_version(directory: str | os.PathLike) -> Iterator[NewVersion]:
    """Gives a folder to write, which becomes the next version.

    It has a name that no server takes for a version until the block ends; an
    exception leaves nothing.

    Args:
        directory: The folder of the versions; made if need be.

    Yields:
        The version.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    _sweep(directory, host)
    version = NewVersion(directory / f".{host}.{os.getpid()}{PARTIAL}")
    try:
        yield version
        version.path = _give_number(version.partial, directory)
    finally:
        shutil.rmtree(version.partial, ignore_errors=True)


def _give_number(partial, directory):
    while True:
        taken = [int(x.name) for x in directory.iterdir() if x.name.isdecimal()]
        path = directory / str(max(taken, default=0) + 1)
        try:
            return partial.rename(path)
        except OSError:
            if not path.exists():
                raise
            # Another process was faster: the next number.


def _sweep(directory, host):
    """Removes what processes of this host left that were killed."""
    for partial in directory.glob(f".{host}.*{PARTIAL}"):
        process = partial.name[: -len(PARTIAL)].rpartition(".")[2]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)
        except (ValueError, PermissionError):
            continue  # Not ours.


CLASS_NAMES_FILE = "class_names.txt"
CLASSIFY_METHOD = "tensorflow/serving/classify"


def export_saved_model(
    model: keras.Model,
    directory: str | os.PathLike,
    description: Description,
    *,
    top_k: int = ServingOptions.top_k,
    sample_size: int = ServingOptions.sample_size,
    max_frames: int = ServingOptions.max_frames,
    sequence_format: str | None = None,
    check: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes the next version of a model under a folder.

    TensorFlow Serving polls such a folder for new numbers; a version takes
    its number when it is complete. Its signatures take any number of clips
    and any numbers of frames up to `max_frames`:

    - `serving_default`: for every modality float32 `MODALITY`
      `(batch, num_frames, dim)` and int32 `MODALITY_num_frames` `(batch,)`,
      the frames that are real; what lies behind them is not looked at.
    - `attention`: the same, and gives the attention scores as well.
    - `predict_frames`: float32 `MODALITY` `(num_frames, dim)`, one clip
      without padding. Not for a server that batches requests.
    - `from_examples`: strings `examples` `(batch,)`, each a `tf.Example` as
      `encode_clip` makes it. Ids and labels are neither needed nor read.
    - `classify`: the same strings as `inputs`, for the Classify API.
    - `from_sequence_examples`: strings `examples` `(batch,)`, each a
      `tf.SequenceExample` of the dataset's own format or `sequence_format`.

    They give `classes` and `scores`, names and probabilities of the `top_k`
    most probable classes, strings and float32 `(batch, top_k)`, best first;
    all but `classify` also `probabilities`, float32 `(batch, num_classes)`;
    and `attention` also `MODALITY_attention`, float32
    `(batch, num_units, num_frames)`.

    The class names and the description ride along as assets, and requests to
    warm a server up where `tensorflow-serving-api` is installed.

    Args:
        model: A model of `cluster_classifier`.
        directory: The folder of the versions; made if need be.
        description: The dataset that the model was trained on.
        top_k: How many classes to name; all if there are fewer.
        sample_size: Frames taken at equal intervals from a clip that comes as
            a record; 0 takes all.
        max_frames: The most frames of a clip and modality; a request with a
            longer one is refused.
        sequence_format: The record format of `from_sequence_examples`, for
            example `"youtube8m"`; None takes the dataset's own, and leaves
            the signature out where that is not of sequences.
        check: Called with the SavedModel's folder before it takes its number;
            what it raises leaves no version.

    Returns:
        The new version's folder, `directory/NUMBER`.

    Raises:
        ValueError: If the description is not the model's, or a number is out
            of range.
    """
    options = ServingOptions(top_k, sample_size, max_frames)
    served = ServedClassifier(model, description, options)
    if sequence_format is None:
        sequence_format = _own_sequence_format(description)
    with new_version(directory) as version:
        _save(served, version.partial, sequence_format)
        warm_up.write_requests(
            version.partial, served.description, sequence_format, max_frames
        )
        if check is not None:
            check(version.partial)
    return version.path


def _own_sequence_format(description):
    """Gives the format that a request's sequences have; None for no format."""
    name = description.record_format
    if name == "youtube8m_segments":
        return "youtube8m"  # A request is a clip: it is not split again.
    return None if name == OWN_RECORDS else name


def _save(served, path, sequence_format):
    endpoints = served.endpoints(sequence_format)
    functions = {
        name: tf.function(
            function, input_signature=[specs], autograph=False
        ).get_concrete_function()
        for name, (function, specs) in endpoints.items()
    }
    module = tf.Module()
    module.served_variables = functions[signatures.SERVING_DEFAULT].variables
    with tempfile.TemporaryDirectory() as folder:
        module.assets = _write_assets(served, folder)
        tf.saved_model.save(module, str(path), signatures=functions)
    _name_method(path)


def _write_assets(served, folder):
    """Writes the files that ride along."""
    values = {
        **served.description.to_json(),
        "serving": dataclasses.asdict(served.options),
    }
    names = "".join(f"{x}\n" for x in served.description.class_names)
    texts = {
        CLASS_NAMES_FILE: names,
        FILE_NAME: json.dumps(values, indent=1) + "\n",
    }
    for name, text in texts.items():
        pathlib.Path(folder, name).write_text(text, encoding="utf-8")
    return [tf.saved_model.Asset(os.path.join(folder, name)) for name in texts]


def _name_method(saved_model):
    """Makes `classify` a signature of the Classify API."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(
        str(saved_model)
    )
    updater.replace_method_name(
        signature_key=signatures.CLASSIFY, method_name=CLASSIFY_METHOD
    )
    updater.save()
