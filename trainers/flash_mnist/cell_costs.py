"""Compares an epoch of Table 1's cells with their matrix products alone.

    python trainers/flash_mnist/cell_costs.py --data_dir=records/flash_mnist \
        --output=table_1_cells.json

For every cell, in one process and one thread, as the sweep runs them: some
training steps, reading included, and the products of as many steps, forward
and backward, on tensors of the same shapes. The two take turns; the medians
are given in seconds for an epoch, with their ratio.
"""

import pathlib
import statistics
import time

import keras
import tensorflow as tf
from absl import app
from absl import flags

import train_cell
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.runs import folder
from cells import FAMILIES
from cells import HIDDEN_UNITS
from cells import NUM_UNITS
from cells import Cell
from cells import Protocol
from cells import choose_protocol
from cells import parse_cells

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file to write.")
_NUM_UNITS = flags.DEFINE_list(
    "num_units", [str(x) for x in NUM_UNITS], "Rows of the table."
)
_FAMILIES = flags.DEFINE_list(
    "families", list(FAMILIES), "Columns of the table."
)
_CLIPS = flags.DEFINE_integer(
    "clips", 8192, "Clips trained on in a turn.", lower_bound=1
)
_TURNS = flags.DEFINE_integer(
    "turns", 3, "How often each is measured.", lower_bound=1
)


def make_steps(cell: Cell, protocol: Protocol, manifest: Manifest):
    """Gives a function that takes some training steps."""
    model = train_cell.build_model(cell, protocol, manifest)
    update = training.UpdateStep(
        model, keras.optimizers.Adam(protocol.learning_rate)
    )
    data = train_cell.training_data(cell, protocol, manifest)
    batches = iter(data(0, 0, (0, 1)))

    @tf.function
    def steps(count):
        total = 0.0
        for _ in tf.range(count):
            features, labels = next(batches)
            total += update(features, labels, protocol.batch_size)[0]
        return total

    return steps


def make_products(cell: Cell, batch: int, dim, num_frames, num_classes):
    """Gives a function that does the products of some steps, no more."""
    width, rows = cell.num_units * dim, batch * num_frames
    hidden = cell.num_units * HIDDEN_UNITS
    normal, matmul = tf.random.normal, tf.matmul
    frames = normal((batch, num_frames, dim))
    flat = tf.reshape(frames, (rows, dim))
    scores = normal((batch, cell.num_units, num_frames))
    pooled, kernel = normal((batch, width)), normal((width, num_classes))
    logits = normal((batch, num_classes))
    units = tf.reshape(pooled, (batch, cell.num_units, dim))
    scored = {"average": 0, "fc1": cell.num_units, "fc2": hidden}
    scored = scored[cell.weighting]
    score_kernel, gradient = normal((dim, scored)), normal((rows, scored))

    def products():
        yield matmul(scores, frames)
        yield matmul(pooled, kernel)
        yield matmul(pooled, logits, transpose_a=True)
        if scored:
            yield matmul(flat, score_kernel)
            yield matmul(flat, gradient, transpose_a=True)
            yield matmul(units, frames, transpose_b=True)
            yield matmul(logits, kernel, transpose_b=True)

    @tf.function
    def steps(count):
        total = 0.0
        for _ in tf.range(count):
            # One number of each, or they would be left out.
            total += tf.add_n([tf.reshape(x, [-1])[0] for x in products()])
        return total

    return steps


def measure(cell: Cell, manifest: Manifest) -> dict:
    """Gives seconds an epoch of a cell and of its products."""
    protocol = choose_protocol("tuned", cell)
    batch = protocol.batch_size
    ((name, modality),) = manifest.description.modalities.items()
    split = manifest.split("train")
    sizes = modality.dim, split.max_num_frames[name]
    measured = {
        "epoch": make_steps(cell, protocol, manifest),
        "products": make_products(
            cell, batch, *sizes, manifest.description.num_classes
        ),
    }
    count = tf.constant(max(_CLIPS.value // batch, 1))
    seconds = {name: [] for name in measured}
    for turn in range(_TURNS.value + 1):
        for name, steps in measured.items():
            start = time.monotonic()
            steps(count).numpy()
            if turn:
                seconds[name].append(time.monotonic() - start)
    epochs = split.num_clips / (int(count) * batch)
    medians = {k: statistics.median(x) * epochs for k, x in seconds.items()}
    return {
        "family": cell.family,
        "num_units": cell.num_units,
        "epoch_seconds": round(medians["epoch"], 3),
        "product_seconds": round(medians["products"], 3),
        "ratio": round(medians["epoch"] / medians["products"], 2),
    }


def main(argv):
    del argv
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    manifest = Manifest.load(_DATA_DIR.value)
    rows = []
    for cell in parse_cells(_FAMILIES.value, _NUM_UNITS.value, ["0"]):
        rows.append(measure(cell, manifest))
        row = rows[-1]
        print(
            f"{row['family']:9} N={row['num_units']:<4} "
            f"epoch {row['epoch_seconds']:7.2f} s, its products "
            f"{row['product_seconds']:7.2f} s, ratio {row['ratio']:6.2f}",
            flush=True,
        )
        keras.backend.clear_session()
    if _OUTPUT.value:
        folder.write_json(pathlib.Path(_OUTPUT.value), rows)


if __name__ == "__main__":
    app.run(main)
