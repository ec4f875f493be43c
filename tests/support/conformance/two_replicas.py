"""Compares two replicas with one, layer by layer.

MirroredStrategy over two logical CPU devices: TensorFlow only. It prints the
largest errors, and exits with 1 where outputs or gradients differ.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from support.conformance.layer_cases import CASES
from support.conformance.layer_cases import largest_error

LIMIT = 1e-6


def make_two_devices():
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
    tf.config.set_logical_device_configuration(cpu, devices)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def draw_factors(case):
    """Draws the factor of each output in the loss."""
    shape = case.call(case.make_randomly(), case.inputs).shape
    return np.random.default_rng(3).normal(size=shape).astype("float32")


def make_step(case, layer):
    """A function of inputs and factors to output and gradients."""

    @tf.function
    def step(inputs, factors):
        weights = [w.value for w in layer.trainable_weights]
        with tf.GradientTape() as tape:
            output = case.call(layer, inputs)
            loss = tf.reduce_sum(factors * tf.cast(output, "float32"))
        gradients = tape.gradient(loss, weights)
        context = tf.distribute.get_replica_context()
        return output, [context.all_reduce("SUM", g) for g in gradients]

    return step


def run_one(case, factors):
    step = make_step(case, case.make_randomly())
    return step(case.inputs, factors)


def run_two(case, factors, strategy):
    """The outputs of both replicas, one after the other, and the gradients."""
    with strategy.scope():
        layer = case.make_randomly()
    step = make_step(case, layer)

    def half(array, context):
        """Returns the replica's part of the clips."""
        parts = np.split(array, context.num_replicas_in_sync)
        return parts[context.replica_id_in_sync_group]

    def distribute(array):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(half(array, context))
        )

    inputs = keras.tree.map_structure(distribute, case.inputs)
    output, gradients = strategy.run(step, (inputs, distribute(factors)))
    outputs = strategy.experimental_local_results(output)
    assert len(outputs) == 2, outputs
    first = [strategy.experimental_local_results(g)[0] for g in gradients]
    return tf.concat(outputs, axis=0), first


def relative_error(gradient, expected):
    expected = expected.numpy().astype("float64")
    size = np.abs(expected).max()
    assert size > 1e-3, size
    return largest_error(gradient, expected) / size


def compare(case, strategy):
    """The largest errors of outputs and of gradients."""
    factors = draw_factors(case)
    output, gradients = run_one(case, factors)
    outputs, sums = run_two(case, factors, strategy)
    assert np.abs(output).max() > 0.1
    pairs = zip(sums, gradients, strict=True)
    errors = [relative_error(*pair) for pair in pairs]
    expected = output.numpy().astype("float64")
    return largest_error(outputs, expected), max(errors, default=0.0)


def main():
    strategy = make_two_devices()
    errors = {name: compare(case, strategy) for name, case in CASES.items()}
    for name, pair in errors.items():
        print(name, "outputs: {:.1e}, gradients: {:.1e}".format(*pair))
    good = [error <= LIMIT for pair in errors.values() for error in pair]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
