"""The package's step on two replicas, each with half of a batch."""

import numpy as np
import tensorflow as tf

from own_clusters import Measures
from own_clusters import make_features
from own_clusters import make_model
from own_clusters import make_update
from peers.setting import Setting

REPLICAS = 2


class ReplicaClusters:
    """Two logical devices of the processor; times are its methods'.

    To be made before TensorFlow has used a device.

    Args:
        setting: Sizes and training; the batch is the whole one.
        seed: Integer that decides the dropout.
    """

    def __init__(self, setting: Setting, seed: int):
        device = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            device, [tf.config.LogicalDeviceConfiguration()] * REPLICAS
        )
        names = [f"CPU:{index}" for index in range(REPLICAS)]
        self.strategy, self.setting = (
            tf.distribute.MirroredStrategy(names),
            setting,
        )
        with self.strategy.scope():
            self.model = make_model(setting, Measures())
            self.update = make_update(setting, self.model, seed)

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Splits the batch over the replicas."""
        share = len(labels) // REPLICAS

        def part(context):
            start = context.replica_id_in_sync_group * share
            own = slice(start, start + share)
            shared = {name: x[own] for name, x in features.items()}
            return (
                make_features(self.setting, shared),
                tf.constant(labels[own], tf.int32),
            )

        batch = self.strategy.experimental_distribute_values_from_function(part)
        size = self.setting.batch_size
        self._forward = self._function(
            lambda x, y: self.model(x, training=False), batch
        )
        self._gradients = self._function(
            lambda x, y: self.update._part(x, y, size)[2], batch
        )
        self._step = self._function(
            lambda x, y: self.update(x, y, size)[0], batch
        )

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._forward()

    def gradients(self):
        """Computes each replica's gradients, with dropout."""
        self._gradients()

    def step(self):
        """Updates the weights by one step of training."""
        self._step()

    def _function(self, function, batch):
        whole = tf.function(
            lambda: self.strategy.run(function, args=batch), autograph=False
        )

        def run():
            whole()
            tf.test.experimental.sync_devices()

        return run
