"""Compares bulk prediction with reading and with scoring alone.

    python data/synthetic/prepare.py --output_dir=records/synthetic
    python benchmarks/bulk_prediction.py --data_dir=records/synthetic \
        --records='records/synthetic/test-*'

The three ways take turns in one process, after a turn that is not counted: all
records are predicted and written, all records are read and decoded, and the
model is called as often on a batch in memory. The slower one of the last two
is the bottleneck.
"""

import collections
import pathlib
import statistics
import tempfile

import tensorflow as tf
from absl import flags

from ac_keras import cluster_classifier
from ac_keras import prediction
from ac_keras.pipeline import Description
from ac_keras.prediction import input_files
from measurement import program
from measurement.timing import time_in_turns

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset's description.", required=True
)
_RECORDS = flags.DEFINE_list(
    "records", None, "Patterns of the record files.", required=True
)
_NUM_UNITS = flags.DEFINE_integer(
    "num_units", 32, "Number of attention units per modality.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips per batch.", lower_bound=1
)
_FORMAT = flags.DEFINE_enum(
    "format", "jsonl", list(prediction.FORMATS), "Format of the predictions."
)
_TURNS = flags.DEFINE_integer("turns", 3, "Number of turns.", lower_bound=1)


def batches(description):
    """Yields the batches of all files."""
    files = input_files.find_files(_RECORDS.value)
    read = input_files.read_files(
        files, description, batch_size=_BATCH_SIZE.value
    )
    yield from (batch for batch in read if batch is not None)


def main(report):
    description = Description.load(_DATA_DIR.value)
    dims = {name: x.dim for name, x in description.modalities.items()}
    units = dict.fromkeys(dims, _NUM_UNITS.value)
    # Untrained: it is as fast as a trained one.
    model = cluster_classifier(dims, units, description.num_classes)
    top_classes = prediction.TopClasses(model, description.class_names)
    first = next(batches(description))
    sizes = [len(batch.ids) for batch in batches(description)]

    def predict():
        with tempfile.TemporaryDirectory() as folder:
            prediction.predict_files(
                model,
                description,
                _RECORDS.value,
                pathlib.Path(folder) / "predicted",
                model_id="benchmark",
                format=_FORMAT.value,
                batch_size=_BATCH_SIZE.value,
            )

    def read():
        collections.deque(batches(description), maxlen=0)

    def score():
        for _ in sizes:
            top_classes(first.features)

    ways = {"predicted": predict, "read alone": read, "scored alone": score}
    counts = dict.fromkeys(ways, sum(sizes))
    counts["scored alone"] = len(sizes) * len(first.ids)
    rates = {
        name: counts[name] / statistics.median(seconds)
        for name, seconds in time_in_turns(ways, _TURNS.value).items()
    }
    num_gpus = len(tf.config.list_physical_devices("GPU"))
    report.add_table(
        f"{sum(sizes)} clips, batches of {_BATCH_SIZE.value}, {num_gpus} GPUs",
        ["way", "clips/s", "predicted / it"],
        [
            [name, f"{rate:,.0f}", f"{rates['predicted'] / rate:.2f}"]
            for name, rate in rates.items()
        ],
    )


if __name__ == "__main__":
    program.run(main)
