"""Trains twenty steps on some devices, evaluates and prints JSON.

    python step_losses.py DATA_DIR NUM_DEVICES

prints `losses`, every step's own, and under each split's name what evaluation
measures. Splits do not fill their last batch.
"""

import json
import sys

import keras
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches

BATCH_SIZE = 8
STEPS = 20


class StepLosses(keras.callbacks.Callback):
    """Keeps the loss of each step rather than the epoch's running mean."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


def make_strategy(num_devices):
    if num_devices == 1:
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * num_devices
    )
    names = [f"CPU:{index}" for index in range(num_devices)]
    return tf.distribute.MirroredStrategy(names)


def make_model(description):
    model = cluster_classifier(
        {name: x.dim for name, x in description.modalities.items()},
        dict.fromkeys(description.modalities, 3),
        description.num_classes,
        dropout=0.0,
    )
    model.compile(
        keras.optimizers.Adam(0.02),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model


def main(data_dir, num_devices):
    strategy = make_strategy(int(num_devices))
    keras.utils.set_random_seed(1)
    manifest = Manifest.load(data_dir)
    with strategy.scope():
        model = make_model(manifest.description)
    steps = StepLosses()
    model.fit(
        training_batches(manifest, batch_size=BATCH_SIZE),
        steps_per_epoch=STEPS,
        callbacks=[steps],
        shuffle=False,  # It is, by the reader.
        verbose=0,
    )
    result = {"losses": steps.losses, "replicas": strategy.num_replicas_in_sync}
    for split in ("validation", "test"):
        batches = evaluation_batches(manifest, split, batch_size=BATCH_SIZE)
        result[split] = model.evaluate(batches, return_dict=True, verbose=0)
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
