"""Exports a trained model as the next SavedModel version for serving.

    python trainers/export.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --output_dir=served/flash_mnist

The SavedModel is checked in a process that has TensorFlow but not this package.
It receives its version number, by which TensorFlow Serving finds it, only if it
agrees with the model on the split --split. Beside it come files that start a
server, and with --runtimes the model for runtimes other than TensorFlow.
"""

import pathlib
import sys

from absl import app
from absl import flags

from ac_keras import runs
from ac_keras import serving
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.utils.deprecated_flags import define_deprecated_flag

_MODEL = flags.DEFINE_string(
    "model", None, "Path of the model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the model's dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for the versions of the model.", required=True
)
_TOP_K = flags.DEFINE_integer(
    "top_k",
    serving.ServingOptions.top_k,
    "Number of most probable classes in a response.",
    lower_bound=1,
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames that the server takes at equal intervals from a clip in "
    "a record; 0 takes all.",
    lower_bound=0,
)
_MAX_NUM_FRAMES = flags.DEFINE_integer(
    "max_num_frames",
    0,
    "Maximum number of frames of a clip; a request with more is rejected. 0 is "
    f"the larger of {serving.ServingOptions.max_num_frames} and the length of "
    "the dataset's longest clip.",
    lower_bound=0,
)
define_deprecated_flag("max_frames", _MAX_NUM_FRAMES)
_SEQUENCE_FORMAT = flags.DEFINE_enum(
    "sequence_format",
    None,
    ["youtube8m", "mediasequence"],
    "Accept SequenceExamples of this format too, besides those of the "
    "dataset's own format.",
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name",
    None,
    "Name by which clients request the model. Defaults to the name of "
    "--output_dir.",
)
_RUNTIMES = flags.DEFINE_list(
    "runtimes",
    [],
    f"Further runtimes to export to, among {', '.join(serving.RUNTIMES)}.",
)
_SPLIT = flags.DEFINE_string(
    "split", "test", "Split on which the SavedModel is checked."
)

_BATCH_SIZE = 256


def check_names() -> None:
    """Raises ValueError before files are written."""
    if _MODEL_NAME.value is not None:
        serving.check_model_name(_MODEL_NAME.value)
    unknown = sorted(set(_RUNTIMES.value) - set(serving.RUNTIMES))
    if unknown:
        raise ValueError(
            f"Expected --runtimes among {list(serving.RUNTIMES)}. Received: "
            f"{unknown}. Leave others out."
        )


def export() -> list[str]:
    """Writes a version, its files and other runtimes.

    Returns:
        Lines to print.

    Raises:
        FileNotFoundError: If the model or the dataset is missing.
        ImportError: If a runtime is not installed.
        ValueError: If they do not match, or a record is corrupt.
        RuntimeError: If an exported file does not agree with the model.
    """
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    check_names()
    manifest = Manifest.load(_DATA_DIR.value)
    manifest.split(_SPLIT.value)  # Raises ValueError if it is missing.
    model = runs.load_classifier(_MODEL.value, manifest.description)
    batches = evaluation_batches(
        manifest,
        _SPLIT.value,
        batch_size=_BATCH_SIZE,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.modalities,
    )
    checks = []

    def check(path):
        with runs.name_corrupt_records(manifest, _SPLIT.value):
            checks.append(serving.check_saved_model(model, path, batches))

    version = serving.export_saved_model(
        model,
        output_dir,
        manifest.description,
        top_k=_TOP_K.value,
        sample_size=_EVAL_FRAMES.value,
        max_num_frames=_MAX_NUM_FRAMES.value or serving.frame_limit(manifest),
        sequence_format=_SEQUENCE_FORMAT.value,
        check=check,
    )
    (result,) = checks
    lines = [
        f"{version} agrees with the model: {100 * result.accuracy:.2f} % of "
        f"{result.num_clips} {_SPLIT.value} clips are correct in a process "
        "without ac_keras; largest difference of probabilities "
        f"{result.max_difference:.1e}."
    ]
    for runtime in _RUNTIMES.value:
        suffix = serving.RUNTIMES[runtime]
        with runs.name_corrupt_records(manifest, _SPLIT.value):
            written = serving.export_runtime(
                model,
                runtime,
                version.with_suffix(suffix),
                batches,
            )
        lines.append(
            f"{written.path} agrees on {written.num_clips} clips; largest "
            f"difference {written.max_difference:.1e}."
        )
    folder_name = serving.fitting_model_name(output_dir.resolve().name)
    written = serving.write_deployment(
        output_dir, _MODEL_NAME.value or folder_name
    )
    if written:
        files = ", ".join(map(str, written))
        lines.append(f"Files that start a server: {files}")
    return lines


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        print("\n".join(export()))
    except (OSError, ImportError, RuntimeError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
