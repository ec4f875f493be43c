r"""Exports a trained model as the next version for TensorFlow Serving.

    python trainers/export.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --output_dir=served/flash_mnist

The version is compared with the model on --split, in a process that has
TensorFlow but not this package. It gets its number, by which a server finds
it, only if their probabilities agree. The program also writes files that start
a server and, with --runtimes, the model for other runtimes.
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
    "model", None, "File model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the dataset that the model was trained on.",
    required=True,
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    None,
    "Folder of the versions; the new one gets the next number.",
    required=True,
)
_TOP_K = flags.DEFINE_integer(
    "top_k",
    serving.ServingOptions.top_k,
    "Number of most probable classes in `classes` and `scores`.",
    lower_bound=1,
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames that the server takes at equal intervals from a clip "
    "that is sent as a record; 0 takes all.",
    lower_bound=0,
)
_MAX_NUM_FRAMES = flags.DEFINE_integer(
    "max_num_frames",
    0,
    "Largest number of frames of a clip; a request with a longer clip is "
    f"rejected. 0 selects {serving.ServingOptions.max_num_frames}, or the "
    "length of the dataset's longest clip if that is larger.",
    lower_bound=0,
)
define_deprecated_flag("max_frames", _MAX_NUM_FRAMES)
_SEQUENCE_FORMAT = flags.DEFINE_enum(
    "sequence_format",
    None,
    ["youtube8m", "mediasequence"],
    "Format of SequenceExamples that the server accepts in addition to the "
    "dataset's own record format.",
)
_MODEL_NAME = flags.DEFINE_string(
    "model_name",
    None,
    "Name by which clients address the model; by default, the name of "
    "--output_dir with characters other than letters and digits replaced.",
)
_RUNTIMES = flags.DEFINE_list(
    "runtimes",
    [],
    "Other runtimes to export the model to: one or more of "
    f"{', '.join(serving.RUNTIMES)}.",
)
_SPLIT = flags.DEFINE_string(
    "split",
    "test",
    "Split on which the exported model is compared with the model.",
)

_BATCH_SIZE = 256


def check_names() -> None:
    """Raises ValueError before anything is written."""
    if _MODEL_NAME.value is not None:
        serving.check_model_name(_MODEL_NAME.value)
    unknown = sorted(set(_RUNTIMES.value) - set(serving.RUNTIMES))
    if unknown:
        raise ValueError(
            f"Expected --runtimes among {list(serving.RUNTIMES)}. Received: "
            f"{unknown}. Leave others out."
        )


def export() -> list[str]:
    """Writes a version and what belongs to it, and says how it did.

    Raises:
        FileNotFoundError: If model or dataset are missing.
        ImportError: If a runtime is not installed.
        ValueError: If they do not fit, or a record is broken.
        RuntimeError: If what was written does not repeat the model.
    """
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    check_names()
    manifest = Manifest.load(_DATA_DIR.value)
    manifest.split(_SPLIT.value)  # or raises, before anything is written
    model = runs.load_classifier(_MODEL.value, manifest.description)
    batches = evaluation_batches(
        manifest,
        _SPLIT.value,
        batch_size=_BATCH_SIZE,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.get_layer("clusters").modalities,
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
    said = [
        f"{version} repeats the model's {100 * result.accuracy:.2f} % on "
        f"{result.num_clips} {_SPLIT.value} clips in a process without "
        f"ac_keras; largest difference {result.max_difference:.1e}."
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
        said.append(
            f"{written.path} repeats it on {written.num_clips} clips; largest "
            f"difference {written.max_difference:.1e}."
        )
    folder_name = serving.fitting_model_name(output_dir.resolve().name)
    written = serving.write_deployment(
        output_dir, _MODEL_NAME.value or folder_name
    )
    if written:
        said.append("What starts a server: " + ", ".join(map(str, written)))
    return said


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        print("\n".join(export()))
    except (OSError, ImportError, RuntimeError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
