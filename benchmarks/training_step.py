"""What a training step takes, next to the products that it cannot avoid.

    python benchmarks/training_step.py --setting=kinetics

times forward, forward and backward, and the whole step of attention clusters,
as `trainers/train.py` takes it, at a setting of `benchmarks/peers`, and the
same without each of the things that make it fast. The floor is what no
implementation on this machine and library is without: the classifier's three
matrix products, and one pass of the update over its weight, gradient and slots
(timed as plain descent, which reads two arrays and writes one, times 5 / 3 for
RMSProp). All ways take turns in one process; figures are medians in
milliseconds.
"""

import json
import os
import pathlib
import statistics
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from peers.setting import FLASH_MNIST
from peers.setting import KINETICS
from peers.setting import YOUTUBE8M
from peers.setting import draw_batch

from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.training import UpdateStep
from ac_keras.training import update_step

SETTINGS = {
    "flash_mnist": FLASH_MNIST,
    "kinetics": KINETICS,
    "youtube8m": YOUTUBE8M,
}
# Passes over a weight's size that an update cannot do without: it reads weight,
# gradient and slots, and writes all but the gradient. Plain descent takes 3.
PASSES = {"rmsprop": 5, "adam": 7}
MODES = ("forward", "gradients", "step")
NEVER = 2**62

_SETTING = flags.DEFINE_enum("setting", "kinetics", SETTINGS, "Its sizes.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds.", lower_bound=1)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy", "float32", ["float32", "mixed_bfloat16"], "Of the layers."
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


class ShiftOnOutputs(ShiftingCluster):
    """Eq. 7 as it reads, on the units' outputs."""

    def _pool(self, scores, frames):
        return self._normalised(keras.ops.matmul(scores, frames))


def make_batch(setting):
    """Features, with the counts of frames, and labels."""
    features, labels = draw_batch(setting, seed=0)
    count = np.full(setting.batch_size, setting.num_frames, np.int32)
    counts = {f"{name}_num_frames": count for name in features}
    return tf.nest.map_structure(tf.constant, ({**features, **counts}, labels))


def make_model(setting, cluster, dropout):
    """A classifier with such clusters and dropout."""
    dims = {name: dim for name, (dim, _) in setting.modalities.items()}
    clusters = {
        name: cluster(units) for name, (_, units) in setting.modalities.items()
    }
    model = cluster_classifier(
        dims, clusters, setting.num_classes, dropout=setting.dropout
    )
    if dropout is None:
        return model
    pooled = model.get_layer("dropout").input
    for layer in (
        dropout(setting.dropout, name="dropout"),
        keras.layers.Dense(setting.num_classes, name="logits"),
        keras.layers.Activation("softmax", dtype="float32"),
    ):
        pooled = layer(pooled)
    return keras.Model(model.input, pooled)


def make_ways(setting, model, features, labels, large):
    """Gives functions of a way's three modes, each traced by now."""
    update_step.LARGE, size = large, setting.batch_size
    optimizer = keras.optimizers.get(setting.optimizer)
    step = UpdateStep(model, optimizer, clip_norm=setting.clip_norm)
    modes = {
        "forward": tf.function(lambda: model(features, training=True)[0, 0]),
        "gradients": tf.function(
            lambda: [x[..., 0] for x in step._part(features, labels, size)[2]]
        ),
        "step": tf.function(lambda: step(features, labels, size)[0]),
    }
    for mode in modes.values():
        mode()
    return modes


def make_floor(setting):
    """Gives the floor of each mode, and plain descent."""
    batch, num_classes = setting.batch_size, setting.num_classes
    width = setting.width
    dtype = keras.config.dtype_policy().compute_dtype
    x = tf.cast(tf.random.normal((batch, width)), dtype)
    y = tf.cast(tf.random.normal((batch, num_classes)), dtype)
    weight = tf.Variable(tf.random.normal((width, num_classes)))
    gradient = tf.random.normal((width, num_classes))
    kernel = tf.cast(weight, dtype)

    @tf.function
    def forward():
        return tf.matmul(x, kernel)[0, 0]

    @tf.function
    def gradients():
        return (
            tf.matmul(x, kernel),
            tf.matmul(x, y, transpose_a=True),
            tf.matmul(y, kernel, transpose_b=True),
        )

    @tf.function
    def descend():
        tf.raw_ops.ResourceApplyGradientDescent(
            var=weight.handle, alpha=1e-6, delta=gradient
        )

    return {"forward": forward, "gradients": gradients, "descent": descend}


def measure(ways) -> dict[str, dict[str, float]]:
    """Gives the median milliseconds of each way and mode, in turns."""
    found = {name: {mode: [] for mode in modes} for name, modes in ways.items()}
    for index in range(_ROUNDS.value + 1):
        for name, modes in ways.items():
            for mode, function in modes.items():
                start = time.perf_counter()
                tf.nest.map_structure(_wait, function())
                spent = 1000 * (time.perf_counter() - start)
                if index:
                    found[name][mode].append(spent)
    return {
        name: {mode: statistics.median(x) for mode, x in modes.items()}
        for name, modes in found.items()
    }


def _wait(value):
    return value is None or value.device


def main(argv):
    del argv
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    setting, keras_dropout = SETTINGS[_SETTING.value], keras.layers.Dropout
    features, labels = make_batch(setting)
    ways = {"floor": make_floor(setting)}
    for name, (cluster, dropout, large) in {
        "plain": (ShiftOnOutputs, keras_dropout, NEVER),
        "shift on the weights": (ShiftingCluster, keras_dropout, NEVER),
        "and dropout by bytes": (ShiftingCluster, None, NEVER),
        "and compiled update": (ShiftingCluster, None, 2**20),
    }.items():
        model = make_model(setting, cluster, dropout)
        ways[name] = make_ways(setting, model, features, labels, large)
    load = os.getloadavg()[0]
    found = measure(ways)
    floor = found["floor"]
    update = floor.pop("descent") * PASSES[setting.optimizer] / 3
    floor["step"] = floor["gradients"] + update
    print(
        f"{_SETTING.value}, {_DTYPE_POLICY.value}, {os.cpu_count()} CPUs,",
        end=" ",
    )
    print(f"load {load:.2f}: milliseconds (times the floor)\n")
    print(f"| way | {' | '.join(MODES)} |\n|---|---:|---:|---:|")
    for name, row in found.items():
        cells = [f"{row[x]:.0f} ({row[x] / floor[x]:.2f})" for x in MODES]
        print(f"| {name} | {' | '.join(cells)} |")
    if _OUTPUT.value:
        report = {"setting": _SETTING.value, "dtype": _DTYPE_POLICY.value}
        report |= {"cpus": os.cpu_count(), "load": load, "milliseconds": found}
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    app.run(main)
