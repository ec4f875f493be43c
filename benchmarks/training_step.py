"""What a training step takes, next to the products that it cannot avoid.

    python benchmarks/training_step.py --setting=kinetics

times forward, forward and backward, and the whole step of attention clusters
with RMSProp and a clipped global norm, as `trainers/train.py` takes it, and the
same without each of the things that make it fast. The floor is what no
implementation on this machine and library is without: the classifier's three
matrix products, and one pass of the update over its weight, gradient and slot
(timed as plain descent, which reads two of them and writes one, times 5 / 3).
All ways take turns in one process; figures are medians in milliseconds.
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

from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.training import UpdateStep
from ac_keras.training import update_step

SETTINGS = {  # batch size, frames, classes, dim and units of each modality
    "flash_mnist": (64, 25, 1024, {"frames": (50, 128)}),
    "kinetics": (
        64,
        20,
        400,
        {"rgb": (1536, 64), "flow": (1536, 32), "audio": (512, 32)},
    ),
    "youtube8m": (64, 60, 3862, {"rgb": (1024, 32), "audio": (128, 32)}),
}
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


def draw_batch():
    """Features and labels of a batch."""
    batch, num_frames, num_classes, modalities = SETTINGS[_SETTING.value]
    rng = np.random.default_rng(0)
    features = {}
    for name, (dim, _) in modalities.items():
        frames = rng.standard_normal((batch, num_frames, dim), np.float32)
        features[name] = tf.constant(frames)
        count = np.full(batch, num_frames, np.int32)
        features[f"{name}_num_frames"] = tf.constant(count)
    return features, tf.constant(rng.integers(0, num_classes, batch))


def make_model(cluster, dropout):
    """A classifier with such clusters and dropout."""
    _, _, num_classes, modalities = SETTINGS[_SETTING.value]
    model = cluster_classifier(
        {name: dim for name, (dim, _) in modalities.items()},
        {name: cluster(units) for name, (_, units) in modalities.items()},
        num_classes,
    )
    if dropout is not None:
        pooled = dropout(0.5, name="dropout")(model.get_layer("dropout").input)
        logits = model.get_layer("logits")
        layers = [
            keras.layers.Dense(logits.units, name="logits"),
            keras.layers.Activation(
                "softmax", dtype="float32", name="probabilities"
            ),
        ]
        for layer in layers:
            pooled = layer(pooled)
        model = keras.Model(model.input, pooled)
    return model


def make_ways(model, features, labels, large):
    """Gives functions of a way's three modes, each traced by now."""
    update_step.LARGE, size = large, len(labels)
    step = UpdateStep(model, keras.optimizers.RMSprop(1e-4), clip_norm=5.0)
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


def make_floor(features, labels):
    """Gives the floor of each mode."""
    batch, _, num_classes, modalities = SETTINGS[_SETTING.value]
    width = sum(dim * units for dim, units in modalities.values())
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
    features, labels = draw_batch()
    keras_dropout = keras.layers.Dropout
    ways = {"floor": make_floor(features, labels)}
    for name, (cluster, dropout, large) in {
        "plain": (ShiftOnOutputs, keras_dropout, NEVER),
        "shift on the weights": (ShiftingCluster, keras_dropout, NEVER),
        "and dropout by bytes": (ShiftingCluster, None, NEVER),
        "and compiled update": (ShiftingCluster, None, 2**20),
    }.items():
        model = make_model(cluster, dropout)
        ways[name] = make_ways(model, features, labels, large)
    load = os.getloadavg()[0]
    found = measure(ways)
    floor = found["floor"]
    floor["step"] = floor["gradients"] + floor.pop("descent") * 5 / 3
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
