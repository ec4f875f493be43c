"""Computes all metrics on some logical devices and prints JSON.

Its argument is their number. Prints by way of reading (an own loop, evaluate,
fit) the value of each metric. The last batch is a single video, so one of two
devices gets none.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from ac_keras import training
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from support.metrics.metric_definitions import make_metrics
from support.metrics.metric_definitions import scored_videos

NUM_CLASSES, NUM_VIDEOS, BATCH_SIZE = 6, 401, 16


def make_strategy(num_devices):
    if num_devices == 1:
        return tf.distribute.get_strategy()
    return training.make_strategy("mirrored", logical_devices=num_devices)


def make_all():
    at_end = MeanAveragePrecision(
        NUM_CLASSES, capacity=2000, step_results=False, name="at_end"
    )
    return [*make_metrics(NUM_CLASSES, 3, 5000, 2000), at_end]


def make_model(metrics):
    """A model that gives what it gets and stays so."""
    layer = keras.layers.Dense(
        NUM_CLASSES, use_bias=False, kernel_initializer="identity"
    )
    model = keras.Sequential([keras.Input((NUM_CLASSES,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=metrics)
    return model


def run_loop(strategy, model, batches):
    with strategy.scope():
        merged = MeanAveragePrecision(NUM_CLASSES, capacity=240, name="merged")
        metrics = [*make_all(), merged, PerClassAccuracy(NUM_CLASSES)]

    @tf.function
    def step(scores, labels):
        outputs = model(scores)
        for metric in metrics[:-1]:
            metric.update_state(labels, outputs)
        metrics[-1].update_state(tf.argmax(labels, axis=-1), outputs)

    for pair in strategy.experimental_distribute_dataset(batches):
        strategy.run(step, args=pair)
    values = {metric.name: float(metric.result()) for metric in metrics}
    values["confusion"] = metrics[-1].confusion_matrix().tolist()
    for metric in metrics:
        metric.reset_state()
    return values, [float(metric.result()) for metric in metrics]


def main(num_devices):
    strategy = make_strategy(int(num_devices))
    rng = np.random.default_rng(0)
    labels, scores = scored_videos(rng, NUM_VIDEOS, NUM_CLASSES, levels=40)
    batches = tf.data.Dataset.from_tensor_slices((scores, labels))
    batches = batches.batch(BATCH_SIZE)
    with strategy.scope():
        model = make_model(make_all())
        single_label = make_model([PerClassAccuracy(NUM_CLASSES)])
    loop, after_reset = run_loop(strategy, model, batches)
    fitted = model.fit(batches, epochs=2, shuffle=False, verbose=0).history
    by_class = batches.map(lambda x, y: (x, tf.argmax(y, axis=-1)[:, None]))
    # The loss compares with the index; it does not matter.
    accuracy = single_label.evaluate(by_class, return_dict=True, verbose=0)
    result = {
        "replicas": strategy.num_replicas_in_sync,
        "loop": loop,
        "after_reset": after_reset,
        "evaluate": {
            **model.evaluate(batches, return_dict=True, verbose=0),
            "per_class_accuracy": accuracy["per_class_accuracy"],
        },
        "fit": {name: values[-1] for name, values in fitted.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
