"""Trains and evaluates on one and on two replicas and writes arrays.

    python steps_on_replicas.py FILE.npz

Keys are `CASE/REPLICAS/NAME`. The devices are logical ones of the processor,
and one replica is TensorFlow's default strategy. Masks of dropout are bool
`(steps, batch, 2, WIDTH)`, True where a number was kept by the first or the
second of two dropout layers.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

import support.training.linear_classifier as linear
from ac_keras.layers import ByteDropout
from ac_keras.training import Evaluator
from ac_keras.training import UpdateStep

REPLICAS = (1, 2)  # TensorFlow 2.21 has one size of strategy a process.
RATE, STEPS = 0.05, 4
CLASS_WEIGHTS = np.array([0.2, 3.0, 1.0, 0.5], "float32")
CASES = {
    "plain": {},
    "clipped": {"clip_norm": 0.5},
    "weighted": {"class_weights": CLASS_WEIGHTS},
    "parts": {"clip_norm": 0.5, "gradient_accumulation_steps": 2},
    "scaled": {"clip_norm": 0.5, "scale_loss": True},
    "ema_model": {"ema_momentum": 0.7},
    "opposite": {"clip_norm": 0.5},
    "overflow": {"clip_norm": 0.5, "scale_loss": True},
}
WIDTH, MASKED_STEPS, MASKED_SIZE = 32, 3, 4
MASKED = {
    "first": {},
    "again": {},
    "another seed": {"seed": 1},
    "parts": {"gradient_accumulation_steps": 2},
    "from the second step": {"first_step": 1},
}
EVALUATED = {"uneven": (4, 11), "single": (4, 1), "even": (4, 8)}


def make_strategy(num_replicas):
    if num_replicas == 1:
        return tf.distribute.get_strategy()
    names = [f"CPU:{index}" for index in range(num_replicas)]
    return tf.distribute.MirroredStrategy(names)


def batches_of(case):
    """Gradients of "opposite" are large in each half and cancel in the sum.

    In the last batch of "overflow" the first replica's are infinite.
    """
    x, labels = linear.draw_batches(STEPS, scale=3)
    if case == "opposite":
        x, labels = x.copy(), np.zeros_like(labels)
        x[:, 4:] = -0.999 * x[:, :4]
    if case == "overflow":
        x[-1, 0, 0] = np.inf
    return x, labels


def distribute(strategy, x, labels):
    """Returns every replica its part of each batch."""

    def share(context):
        data = tf.data.Dataset.from_tensor_slices(({"x": x}, labels))
        size = context.get_per_replica_batch_size(x.shape[1])
        return data.rebatch(size)

    return strategy.distribute_datasets_from_function(share)


def train(strategy, case):
    options = dict(CASES[case])
    with strategy.scope():
        model = linear.make_model()
        if case == "ema_model":
            options["ema_model"] = linear.make_model()
        step = UpdateStep(model, keras.optimizers.RMSprop(RATE), **options)

    @tf.function
    def run(batch):
        loss, _ = strategy.run(step, (*batch, linear.BATCH_SIZE))
        return strategy.experimental_local_results(loss)

    losses = [run(x) for x in distribute(strategy, *batches_of(case))]
    kept = options.get("ema_model", model)
    counts = step.step, step.optimizer.iterations.value
    return {
        "losses": np.array(losses),
        "weights": np.concatenate([w.ravel() for w in kept.get_weights()]),
        "steps": [int(x.numpy()) for x in counts],
    }


def evaluate(strategy, batch_size, num_clips, multi_label):
    x, labels = linear.draw_batches(1, multi_label, size=num_clips)
    name = "BinaryAccuracy" if multi_label else "SparseCategoricalAccuracy"
    with strategy.scope():
        model = linear.make_model(multi_label)
        metric = getattr(keras.metrics, name)(name="accuracy")
        evaluator = Evaluator(model, [metric], multi_label)

    def data(size, share):
        part = tf.data.Dataset.from_tensor_slices(({"x": x[0]}, labels[0]))
        return part.batch(size).shard(share[1], share[0])

    return {
        name: list(evaluator.evaluate(data, batch_size).values())
        for name in ("first", "again")
    }


def make_dropping_model():
    """A model whose probabilities tell what was dropped."""
    inputs = keras.Input((WIDTH,), name="x")
    dropped = [ByteDropout(0.5)(inputs) for _ in range(2)]
    logits = keras.layers.Concatenate(name="logits")(
        [
            keras.layers.Dense(WIDTH, kernel_initializer="identity")(x)
            for x in dropped
        ]
    )
    return keras.Model(
        {"x": inputs}, keras.layers.Activation("sigmoid")(logits)
    )


def draw_masks(strategy, first_step=0, **options):
    shape = MASKED_STEPS - first_step, MASKED_SIZE
    x = np.ones((*shape, WIDTH), "float32")
    labels = np.zeros((*shape, 2 * WIDTH), "float32")
    with strategy.scope():
        model, optimizer = make_dropping_model(), keras.optimizers.SGD(0.0)
        step = UpdateStep(model, optimizer, multi_label=True, **options)
        step.step.assign(first_step)

    @tf.function
    def run(batch):
        _, probabilities = strategy.run(step, (*batch, MASKED_SIZE))
        parts = strategy.experimental_local_results(probabilities)
        return tf.concat(parts, 0)

    found = np.array([run(batch) for batch in distribute(strategy, x, labels)])
    return found.reshape(*shape, 2, WIDTH) > 0.7


def main(path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * max(REPLICAS)
    )
    found = {}
    for count in REPLICAS:
        strategy = make_strategy(count)
        results = {case: train(strategy, case) for case in CASES}
        for name, sizes in EVALUATED.items():
            results[name] = evaluate(strategy, *sizes, multi_label=False)
        results["several labels"] = evaluate(strategy, 4, 11, multi_label=True)
        results["masks"] = {
            name: draw_masks(strategy, **options)
            for name, options in MASKED.items()
        }
        for case, arrays in results.items():
            for name, array in arrays.items():
                found[f"{case}/{count}/{name}"] = np.array(array)
    found["masks/1/compiled"] = draw_masks(make_strategy(1), jit_compile=True)
    np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
