"""Tries a bias for each frame's position, Eq. 4 of the paper read literally.

    python trainers/flash_mnist/position_bias.py --data_dir=records/flash_mnist \
        --output_dir=runs/position_bias

Eq. 4 adds a bias inside the softmax over the frames. One bias a unit would
cancel there; the other reading is one for each position, which ties a model to
an order of the frames. This program trains cells of Table 1 with such biases
and without, by the sweep's protocol, and tests them on the test clips as they
are and with the frames of each in another order. `position_bias.json` receives
the accuracies and how much the biases differ.
"""

import functools
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import train_cell
from ac_keras import ShiftingCluster
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.runs import folder
from cells import Cell
from cells import choose_protocol
from cells import parse_cells
from train_cell import MODEL
from train_cell import build_model
from train_cell import run_cell

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the runs and the result.", required=True
)
_NUM_UNITS = flags.DEFINE_list("num_units", ["32"], "Sizes of the cluster.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds to train every cell with.")

NUM_FRAMES = 25  # of a clip of Flash-MNIST


@keras.saving.register_keras_serializable(package="position_bias")
class PositionBiasCluster(ShiftingCluster):
    """A shifting cluster of FC1 with a bias for every position and unit."""

    def build(self, input_shape):
        """Adds the biases."""
        super().build(input_shape)
        self.position_bias = self.add_weight(
            name="position_bias",
            shape=(NUM_FRAMES, self.num_units),
            initializer="zeros",
        )

    def _logits(self, frames):
        return super()._logits(frames) + self.position_bias


def check_frames(manifest: Manifest) -> None:
    """Checks that all clips are of the length that biases are for.

    Raises:
        ValueError: If there is a longer one.
    """
    longest = max(
        frames
        for split in manifest.splits.values()
        for frames in split.max_num_frames.values()
    )
    if longest != NUM_FRAMES:
        raise ValueError(
            f"Expected clips of {NUM_FRAMES} frames, as Flash-MNIST has. "
            f"Received: {manifest.directory} with clips of {longest}. Name "
            "such a dataset."
        )


def permute(features: dict, labels: tf.Tensor) -> tuple[dict, tf.Tensor]:
    """Puts each clip's frames into an order of its own."""
    changed = dict(features)
    for name, x in features.items():
        if x.shape.rank == 3:
            rank = tf.random.stateless_uniform(tf.shape(x)[:2], [0, 0])
            order = tf.argsort(rank, axis=1)
            changed[name] = tf.gather(x, order, batch_dims=1)
    return changed, labels


def accuracy(model: keras.Model, batches: tf.data.Dataset) -> float:
    """Gives the share of clips that are named right."""
    metric = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    evaluator = training.Evaluator(model, [metric])
    measured = evaluator.evaluate(
        lambda size, share: batches, train_cell.EVALUATION_BATCH_SIZE
    )
    return measured["accuracy"]


def study(cell: Cell, manifest: Manifest) -> dict:
    """Trains a cell both ways and gives its accuracies."""
    protocol = choose_protocol("tuned", cell)
    result = {"num_units": cell.num_units, "seed": cell.seed}
    classes = {"without": ShiftingCluster, "with": PositionBiasCluster}
    for name, cluster_class in classes.items():
        root = pathlib.Path(_OUTPUT_DIR.value) / f"{name}_bias"
        trained = run_cell(
            cell,
            protocol,
            manifest.directory,
            root,
            functools.partial(build_model, shifting_class=cluster_class),
        )
        model = keras.models.load_model(cell.folder(root) / MODEL)
        test = train_cell.evaluation_data(manifest, "test")
        result[name] = {
            "validation_accuracy": trained["validation_accuracy"],
            "test_accuracy": trained["test_accuracy"],
            "permuted_test_accuracy": accuracy(model, test.map(permute)),
        }
    cluster = model.get_layer("clusters").clusters
    (bias,) = [
        keras.ops.convert_to_numpy(x.position_bias) for x in cluster.values()
    ]
    # Adding the same to all positions changes nothing.
    result["bias_standard_deviation"] = float(np.std(bias, axis=0).mean())
    return result


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    results = []
    try:
        manifest = Manifest.load(_DATA_DIR.value)
        cells = parse_cells(["fc1_shift"], _NUM_UNITS.value, _SEEDS.value)
        check_frames(manifest)
        for cell in cells:
            results.append(study(cell, manifest))
            print(results[-1])
    except (FileNotFoundError, ValueError, training.RunStopped) as error:
        sys.exit(str(error))
    folder.write_json(output_dir / "position_bias.json", results)


if __name__ == "__main__":
    app.run(main)
