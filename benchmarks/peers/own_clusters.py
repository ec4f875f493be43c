"""The package's classifier and training step, on one replica and on two."""

import dataclasses
import functools

import keras
import tensorflow as tf
from keras import ops

from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.layers import WideDense
from ac_keras.training import UpdateStep
from ac_keras.training import update_step
from peers.peer import Peer
from peers.setting import MODES
from peers.setting import Setting
from peers.setting import add_num_frames

NEVER = 2**62  # elements of a weight
NUM_REPLICAS = 2


@dataclasses.dataclass(frozen=True)
class Measures:
    """Optimizations of the step that can be switched off."""

    shift_on_weights: bool = True
    byte_dropout: bool = True
    wide_dense: bool = True
    compiled_update: bool = True


class ShiftOnOutputs(ShiftingCluster):
    """Cluster with Eq. 7 on the outputs of the units."""

    def _pool(self, scores, frames, mask):
        scores = ops.cast(scores, self.compute_dtype)
        pooled = ops.matmul(ops.transpose(scores, (0, 2, 1)), frames)
        pooled = ops.cast(pooled, "float32")
        shifted = self.alpha[:, None] * pooled + self.beta[:, None]
        square = ops.sum(ops.square(shifted), axis=-1, keepdims=True)
        shifted = shifted * self._scale(square)
        any_frame = ops.any(mask, axis=1)[:, None, None]
        shifted = ops.where(any_frame, shifted, 0.0)
        return ops.cast(shifted, self.compute_dtype)


def make_model(setting: Setting, measures: Measures) -> keras.Model:
    """Builds the classifier in the global dtype policy of Keras."""
    cluster = ShiftingCluster if measures.shift_on_weights else ShiftOnOutputs
    clusters = {name: cluster(n) for name, n in setting.num_units.items()}
    model = cluster_classifier(
        setting.dims, clusters, setting.num_classes, dropout=setting.dropout
    )
    dropout = model.get_layer("dropout")
    pooled = dropout.input
    if not measures.byte_dropout:
        dropout = keras.layers.Dropout(setting.dropout, name="dropout")
    dense = WideDense if measures.wide_dense else keras.layers.Dense
    for layer in (
        dropout,
        dense(setting.num_classes, name="logits"),
        keras.layers.Activation("softmax", dtype="float32"),
    ):
        pooled = layer(pooled)
    return keras.Model(model.input, pooled)


def make_update(setting: Setting, model: keras.Model, seed: int) -> UpdateStep:
    """Returns the step with the setting's optimizer and Keras's defaults."""
    return UpdateStep(
        model,
        keras.optimizers.get(setting.optimizer),
        clip_norm=setting.clip_norm,
        seed=seed,
    )


def make_features(setting: Setting, features: dict) -> dict[str, tf.Tensor]:
    """Converts features to tensors and adds the numbers of frames."""
    features = add_num_frames(setting, features)
    return {name: tf.constant(x) for name, x in features.items()}


class OwnClusters(Peer):
    """The package's classifier and `UpdateStep`; its methods are timed.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of the dropout.
        measures: Optimizations to use; all by default.
    """

    def __init__(
        self, setting: Setting, seed: int, measures: Measures | None = None
    ):
        super().__init__(setting)
        measures = measures or Measures()
        self.model = make_model(setting, measures)
        # Read at tracing, in load_batch.
        self._large = 2**20 if measures.compiled_update else NEVER
        self.update = make_update(setting, self.model, seed)

    def _load(self, features, labels):
        features = make_features(self.setting, features)
        update_step.LARGE = self._large
        self._define(features, tf.constant(labels, tf.int32))
        for mode in MODES:
            getattr(self, mode)()

    def _define(self, features, labels):
        """Defines the functions of this batch."""
        model, update, size = self.model, self.update, self.setting.batch_size
        functions = {
            "_forward": lambda x, y: model(x, training=False),
            "_gradients": lambda x, y: update._part(x, y, size)[2],
            "_step": lambda x, y: update(x, y, size)[0],
        }
        for name, function in functions.items():
            call = functools.partial(self._call, function, (features, labels))
            setattr(self, name, tf.function(call, autograph=False))

    def _call(self, function, batch):
        return function(*batch)

    def _wait(self, result):
        tf.test.experimental.sync_devices()


class ReplicaClusters(OwnClusters):
    """The same on two logical devices of the processor.

    Create it before TensorFlow uses a device.

    Args:
        setting: Sizes and training; the batch size is that of both replicas.
        seed: Integer, the seed of the dropout.
    """

    def __init__(self, setting: Setting, seed: int):
        device = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            device, [tf.config.LogicalDeviceConfiguration()] * NUM_REPLICAS
        )
        names = [f"CPU:{index}" for index in range(NUM_REPLICAS)]
        self.strategy = tf.distribute.MirroredStrategy(names)
        with self.strategy.scope():
            super().__init__(setting, seed)

    def _load(self, features, labels):
        size = len(labels) // NUM_REPLICAS

        def part(context):
            start = context.replica_id_in_sync_group * size
            own = slice(start, start + size)
            shared = {name: x[own] for name, x in features.items()}
            shared = make_features(self.setting, shared)
            return shared, tf.constant(labels[own], tf.int32)

        self._define(
            *self.strategy.experimental_distribute_values_from_function(part)
        )

    def _call(self, function, batch):
        return self.strategy.run(function, args=batch)
