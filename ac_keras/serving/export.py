"""Export of versioned SavedModels."""

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
CLASS_NAMES_FILE = "class_names.txt"
CLASSIFY_METHOD = "tensorflow/serving/classify"


def export_saved_model(
    model: keras.Model,
    directory: str | os.PathLike,
    description: Description,
    *,
    top_k: int = ServingOptions.top_k,
    sample_size: int = ServingOptions.sample_size,
    max_num_frames: int = ServingOptions.max_num_frames,
    sequence_format: str | None = None,
    check: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes the next version of a model under a folder.

    TensorFlow Serving polls the folder for new numbers; a version gets its
    number when it is complete. Its signatures take any number of clips with
    up to `max_num_frames` frames:

    - `serving_default`: for every modality float32 `MODALITY`
      `(batch, num_frames, dim)` and int32 `MODALITY_num_frames` `(batch,)`.
      Frames after these counts are padding and are ignored.
    - `attention`: the same inputs; also returns attention scores.
    - `predict_frames`: float32 `MODALITY` `(num_frames, dim)`, one clip
      without padding. Not for a server that batches requests.
    - `from_examples`: strings `examples` `(batch,)`, each a `tf.Example` of
      `encode_clip`. Ids and labels are neither needed nor read.
    - `classify`: the same strings as `inputs`, for the Classify API.
    - `from_sequence_examples`: strings `examples` `(batch,)`, each a
      `tf.SequenceExample` of the dataset's own format or `sequence_format`.

    Their outputs are:

    - `classes` and `scores`: names and probabilities of the `top_k` most
      probable classes, strings and float32 `(batch, top_k)`, best first.
    - `probabilities`, except for `classify`: float32 `(batch, num_classes)`.
    - `MODALITY_attention`, for `attention`: float32
      `(batch, num_units, num_frames)`.

    Class names and description are stored as assets, and warm-up requests
    where `tensorflow-serving-api` is installed.

    Args:
        model: A model of `cluster_classifier`.
        directory: Folder of the versions; created if missing.
        description: Description of the dataset that the model was trained on.
        top_k: Number of classes in `classes` and `scores`; all classes if
            there are fewer.
        sample_size: Number of frames taken at equal intervals from a clip
            that is sent as a record; 0 takes all.
        max_num_frames: Largest number of frames of a clip and modality; a
            request with a longer clip is rejected.
        sequence_format: Record format of `from_sequence_examples`, for
            example `"youtube8m"`; None takes the dataset's own format, and
            omits the signature if that has no SequenceExamples.
        check: Called with the SavedModel's folder before it gets its number;
            if it raises, there is no new version.

    Returns:
        The new version's folder, `directory/NUMBER`.

    Raises:
        ValueError: If the description does not match the model, or a number
            is out of range.
    """
    options = ServingOptions(top_k, sample_size, max_num_frames)
    served = ServedClassifier(model, description, options)
    if sequence_format is None:
        sequence_format = _own_sequence_format(description)
    with new_version(directory) as version:
        _save(served, version.partial, sequence_format)
        warm_up.write_requests(
            version.partial, served.description, sequence_format, max_num_frames
        )
        if check is not None:
            check(version.partial)
    return version.path


@dataclasses.dataclass
class NewVersion:
    """A version that is being written.

    Attributes:
        partial: Folder to write to.
        path: Folder of the complete version; None before.
    """

    partial: pathlib.Path
    path: pathlib.Path | None = None


@contextlib.contextmanager
def new_version(directory: str | os.PathLike) -> Iterator[NewVersion]:
    """Yields a folder to write to, which becomes the next version.

    Servers ignore the folder's name until the block ends. After an exception
    the folder is removed. The folder of the versions is created if missing.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname()
    _remove_abandoned(directory, host)
    version = NewVersion(directory / f".{host}.{os.getpid()}{PARTIAL}")
    try:
        yield version
        version.path = _rename_to_next_number(version.partial, directory)
    finally:
        shutil.rmtree(version.partial, ignore_errors=True)


def _rename_to_next_number(partial, directory):
    while True:
        taken = [int(x.name) for x in directory.iterdir() if x.name.isdecimal()]
        path = directory / str(max(taken, default=0) + 1)
        try:
            return partial.rename(path)
        except OSError:
            if not path.exists():
                raise
            # Another process took the number: try the next one.


def _remove_abandoned(directory, host):
    """Removes folders of killed processes of this host."""
    for partial in directory.glob(f".{host}.*{PARTIAL}"):
        process = partial.name[: -len(PARTIAL)].rpartition(".")[2]
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            shutil.rmtree(partial, ignore_errors=True)
        except (ValueError, PermissionError):
            continue  # not written by this module


def _own_sequence_format(description):
    """Returns the format of sequences in requests; None if there is none."""
    name = description.record_format
    if name == "youtube8m_segments":
        return "youtube8m"  # a clip of a request is not split
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
    """Writes class names and description; returns them as assets."""
    options = served.options
    values = {
        **served.description.to_json(),
        "serving": {
            "top_k": options.top_k,
            "sample_size": options.sample_size,
            "max_frames": options.max_num_frames,  # the key of 0.1.0
        },
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
