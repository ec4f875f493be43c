"""Writes the masks of dropout that steps on one and two replicas draw.

    python masks_on_replicas.py FILE.npz

Keys are `REPLICAS/NAME`; arrays are bool `(steps, batch, 2, WIDTH)`, True
where a number was kept by the first or the second of two dropout layers.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from ac_keras.layers import ByteDropout
from ac_keras.training import UpdateStep
from support.training.steps_on_replicas import distribute
from support.training.steps_on_replicas import make_strategy

WIDTH, RATE, STEPS, BATCH_SIZE = 32, 0.5, 3, 4
RUNS = {
    "first": {},
    "again": {},
    "another seed": {"seed": 1},
    "parts": {"num_parts": 2},
}


def make_model():
    """A model whose probabilities tell what was dropped."""
    inputs = keras.Input((WIDTH,), name="x")
    dropped = [ByteDropout(RATE)(inputs) for _ in range(2)]
    logits = keras.layers.Concatenate(name="logits")(
        [
            keras.layers.Dense(WIDTH, kernel_initializer="identity")(x)
            for x in dropped
        ]
    )
    return keras.Model(
        {"x": inputs}, keras.layers.Activation("sigmoid")(logits)
    )


def masks(strategy, options, first_step=0):
    x = np.ones((STEPS - first_step, BATCH_SIZE, WIDTH), "float32")
    labels = np.zeros((STEPS - first_step, BATCH_SIZE, 2 * WIDTH), "float32")
    with strategy.scope():
        optimizer = keras.optimizers.SGD(0.0)
        step = UpdateStep(make_model(), optimizer, multi_label=True, **options)
        step.step.assign(first_step)

    @tf.function
    def run(batch):
        _, probabilities = strategy.run(step, (*batch, BATCH_SIZE))
        parts = strategy.experimental_local_results(probabilities)
        return tf.concat(parts, 0)

    found = np.array([run(batch) for batch in distribute(strategy, x, labels)])
    return found.reshape(*found.shape[:2], 2, WIDTH) > 0.7


def main(path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    found = {}
    for count in (1, 2):
        strategy = make_strategy(count)
        for name, options in RUNS.items():
            found[f"{count}/{name}"] = masks(strategy, options)
        found[f"{count}/from the second step"] = masks(strategy, {}, 1)
    found["1/compiled"] = masks(make_strategy(1), {"jit_compile": True})
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
