"""Measures what the CNN's own decisions on single frames are worth.

    python trainers/flash_mnist/frame_union.py --data_dir=records/flash_mnist

The union of the digits that a clip's frames are taken for is held against the
clip's class. The decisions follow from the features in the records and the
weights beside them; no frame is made again. Thresholds are chosen on the
validation split; the test split is measured with them, nothing else.
"""

import json
import pathlib
import sys

import numpy as np
from absl import app
from absl import flags

import digit_union
from ac_keras import runs
from ac_keras.datasets.flash_mnist import present_digits
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.utils import atomic_file

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder that prepare.py made.", required=True
)
_OUTPUT = flags.DEFINE_string(
    "output", None, "JSON file to write what is printed to."
)

BATCH_SIZE = 1024
CNN_WEIGHTS = "frame_cnn.weights.h5"


def load_dataset(data_dir: str) -> Manifest:
    """Reads the manifest of a dataset whose frames can be decided.

    Raises:
        FileNotFoundError: If the dataset or the CNN's weights are missing.
        ValueError: If it is another dataset, or of other features.
    """
    manifest = Manifest.load(data_dir)
    description = manifest.description
    if description.name != "flash_mnist":
        raise ValueError(
            "Expected a dataset of data/flash_mnist/prepare.py. Received: "
            f"name={description.name!r} in {data_dir}. Name such a folder."
        )
    features = description.settings.get("features")
    if features != "relu":
        raise ValueError(
            "Expected features=relu in the dataset's settings, what the CNN's "
            f"last layer reads. Received: features={features!r} in "
            f"{data_dir}. Prepare the dataset with --features=relu."
        )
    path = manifest.directory / CNN_WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(
            "Expected the CNN's weights beside the records. Received: no "
            f"file {path}. Copy it there or prepare the dataset anew."
        )
    return manifest


def read_split(
    manifest: Manifest, split: str, kernel: np.ndarray, bias: np.ndarray
) -> dict[str, np.ndarray]:
    """Gives the digits decided, the highest probabilities and the truth.

    Each is `(clips, 10)`.

    Raises:
        ValueError: If there is no such split or a record is broken.
    """
    parts = {"decided": [], "highest": [], "present": []}
    batches = evaluation_batches(manifest, split, batch_size=BATCH_SIZE)
    with runs.named_damage(manifest, split):
        for clips, labels in batches.as_numpy_iterator():
            probabilities = digit_union.frame_probabilities(
                clips["rgb"], kernel, bias
            )
            decided = digit_union.decided_digits(probabilities)
            highest = digit_union.highest_probabilities(probabilities)
            parts["decided"].append(decided)
            parts["highest"].append(highest)
            parts["present"].append(present_digits(labels))
    return {name: np.concatenate(part) for name, part in parts.items()}


def choose_thresholds(clips: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Chooses each digit's threshold, by itself and for sets of digits."""
    highest, present = clips["highest"], clips["present"]
    by_digit = digit_union.digit_thresholds(highest, present)
    by_set = digit_union.set_thresholds(highest, present, by_digit)
    return {"threshold_by_digit": by_digit, "threshold_by_set": by_set}


def measure_split(
    clips: dict[str, np.ndarray], thresholds: dict[str, np.ndarray]
) -> dict:
    """Gives accuracies of sets and of each digit, for every way to decide."""
    found = {"hard": clips["decided"]}
    for name, values in thresholds.items():
        found[name] = clips["highest"] > values
    present = clips["present"]
    return {
        "num_clips": len(present),
        "accuracy": {
            name: digit_union.set_accuracy(x, present)
            for name, x in found.items()
        },
        "digit_accuracy": {
            name: (x == present).mean(axis=0).tolist()
            for name, x in found.items()
        },
    }


def measure() -> dict:
    """Gives the figures of validation and test.

    Raises:
        FileNotFoundError: If the dataset or the CNN's weights are missing.
        ValueError: If it is another dataset or a record is broken.
    """
    manifest = load_dataset(_DATA_DIR.value)
    manifest.split("test")  # or raises, before validation is read
    cnn = frame_cnn()
    cnn.load_weights(manifest.directory / CNN_WEIGHTS)
    last_layer = cnn.layers[-1].get_weights()
    validation = read_split(manifest, "validation", *last_layer)
    thresholds = choose_thresholds(validation)
    test = read_split(manifest, "test", *last_layer)
    return {
        "dataset_settings": manifest.description.settings,
        "cnn_parameters": cnn.count_params(),
        "thresholds": {name: x.tolist() for name, x in thresholds.items()},
        "validation": measure_split(validation, thresholds),
        "test": measure_split(test, thresholds),
    }


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output = _OUTPUT.value and pathlib.Path(_OUTPUT.value)
    try:
        if output and not output.parent.is_dir():
            raise FileNotFoundError(
                f"Expected a folder for --output. Received: {output}. Make "
                f"{output.parent} first."
            )
        text = json.dumps(measure(), indent=1) + "\n"
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    if output:
        atomic_file.write_text(output, text)
    print(text, end="")


if __name__ == "__main__":
    app.run(main)
