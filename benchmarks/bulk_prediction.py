"""Compares predicting files of records with reading and with scoring alone.

    python data/synthetic/prepare.py --output_dir=records/synthetic
    python benchmarks/bulk_prediction.py --data_dir=records/synthetic \
        --records='records/synthetic/test-*'

The three take turns in one process, after a turn that does not count: all
records predicted and written, all records read and decoded, and the model
called as often on a batch that is in memory. The medians are printed in clips
a second; whichever of the last two is slower is the bottleneck.
"""

import pathlib
import statistics
import tempfile
import time

import keras
import tensorflow as tf
from absl import app
from absl import flags

from ac_keras import cluster_classifier
from ac_keras import prediction
from ac_keras.pipeline import Description
from ac_keras.prediction import input_files
from ac_keras.prediction import input_files as file_batches

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the description.", required=True
)
_RECORDS = flags.DEFINE_list(
    "records", None, "Patterns of the files.", required=True
)
_NUM_UNITS = flags.DEFINE_integer(
    "num_units", 32, "Attention units of each modality.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips at a time.", lower_bound=1
)
_FORMAT = flags.DEFINE_enum(
    "format", "jsonl", list(prediction.FORMATS), "Of the predictions."
)
_TURNS = flags.DEFINE_integer(
    "turns", 3, "How often each is measured.", lower_bound=1
)


def make_model(description: Description) -> keras.Model:
    """Makes an untrained model, as fast as a trained one."""
    dims = {name: x.dim for name, x in description.modalities.items()}
    units = dict.fromkeys(dims, _NUM_UNITS.value)
    return cluster_classifier(dims, units, description.num_classes)


def predict(model, description) -> int:
    """Predicts all files and counts their clips."""
    with tempfile.TemporaryDirectory() as folder:
        return prediction.predict_files(
            model,
            description,
            _RECORDS.value,
            pathlib.Path(folder) / "predicted",
            model_id="benchmark",
            format=_FORMAT.value,
            batch_size=_BATCH_SIZE.value,
        ).num_clips


def batches(description):
    """Yields the batches of all files."""
    files = input_files.find_files(_RECORDS.value)
    read = file_batches.read_files(
        files, description, batch_size=_BATCH_SIZE.value
    )
    yield from (batch for batch in read if batch is not None)


def main(argv):
    del argv
    description = Description.load(_DATA_DIR.value)
    model = make_model(description)
    top_classes = prediction.TopClasses(model, description.class_names)
    first = next(batches(description))
    num_batches = sum(1 for _ in batches(description))

    def score():
        for _ in range(num_batches):
            top_classes(first.features)
        return num_batches * len(first.ids)

    measured = {
        "predicted": lambda: predict(model, description),
        "read alone": lambda: sum(len(x.ids) for x in batches(description)),
        "scored alone": score,
    }
    rates = {name: [] for name in measured}
    for turn in range(_TURNS.value + 1):
        for name, run in measured.items():
            start = time.monotonic()
            num_clips = run()
            if turn:
                rates[name].append(num_clips / (time.monotonic() - start))
    medians = {name: statistics.median(x) for name, x in rates.items()}
    print(f"{num_clips} clips, batches of {_BATCH_SIZE.value}")
    print(f"{len(tf.config.list_physical_devices('GPU'))} GPUs")
    for name, rate in medians.items():
        share = medians["predicted"] / rate
        print(f"{name:12} {rate:9,.0f} clips/s; predicted / it {share:.2f}")


if __name__ == "__main__":
    app.run(main)
