"""Writes a trained model's next SavedModel version for TensorFlow Serving.

    python trainers/export.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --output_dir=served/flash_mnist

The version is tried at once in a process that has TensorFlow and nothing of
this package; it must agree with the model on the split that --split names.
"""

import shutil
import sys

from absl import app
from absl import flags

from ac_keras import serving
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

_MODEL = flags.DEFINE_string(
    "model", None, "The model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of its dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the versions.", required=True
)
_TOP_K = flags.DEFINE_integer(
    "top_k", serving.TOP_K, "How many classes to name.", lower_bound=1
)
_SPLIT = flags.DEFINE_string("split", "test", "The split to try it on.")

_BATCH_SIZE = 256


def export() -> str:
    """Writes a version and says how it did.

    Raises:
        FileNotFoundError: If model or dataset are missing.
        ValueError: If they do not fit, or a record is broken.
    """
    manifest = Manifest.load(_DATA_DIR.value)
    manifest.split(_SPLIT.value)  # or raises, before anything is written
    model = training.load_classifier(_MODEL.value, manifest.description)
    batches = evaluation_batches(
        manifest,
        _SPLIT.value,
        batch_size=_BATCH_SIZE,
        modalities=model.get_layer("clusters").modalities,
    )
    version = serving.export_saved_model(
        model,
        _OUTPUT_DIR.value,
        manifest.description.class_names,
        top_k=_TOP_K.value,
    )
    try:
        with training.named_damage(manifest, _SPLIT.value):
            check = serving.check_saved_model(model, version, batches)
    except Exception:
        shutil.rmtree(version)  # A server would take it for a sound one.
        raise
    return (
        f"{version} repeats the model's {100 * check.accuracy:.2f} % on "
        f"{check.num_clips} {_SPLIT.value} clips in a process without "
        f"ac_keras; largest difference {check.max_difference:.1e}."
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        print(export())
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
