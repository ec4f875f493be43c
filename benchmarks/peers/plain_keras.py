"""The classifier in Keras without the package's optimizations.

The shift of Eq. 7 is on the outputs of the units, and dropout, loss, clipping
and optimizer are those of Keras. Units are batched, or a loop as in most
ports.
"""

import keras
import tensorflow as tf
from keras import ops

from peers import setting as settings
from peers.keras_optimizer import make_optimizer
from peers.peer import Peer
from peers.peer import cluster_sizes


class Cluster(keras.layers.Layer):
    """Units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Maps frames `(batch, num_frames, dim)` to `(batch, num_units * dim)`. Sizes
    are those of `cluster_sizes`.
    """

    def __init__(self, dim, num_units, total_units):
        super().__init__()
        self.width = num_units * dim
        self.total_units = total_units
        self.kernel = self.add_weight(name="kernel", shape=(dim, num_units))
        self.alpha = self.add_weight(name="alpha", shape=(num_units, 1))
        self.beta = self.add_weight(name="beta", shape=(num_units, 1))

    def call(self, frames):
        """Pools, shifts and normalizes."""
        scores = ops.softmax(ops.matmul(frames, self.kernel), axis=1)
        pooled = ops.matmul(ops.transpose(scores, (0, 2, 1)), frames)
        shifted = self.alpha * pooled + self.beta
        square = ops.sum(ops.square(shifted), axis=-1, keepdims=True)
        units = shifted / (self.total_units**0.5 * ops.sqrt(square))
        return ops.reshape(units, (-1, self.width))


class PlainKeras(Peer):
    """The classifier in Keras and TensorFlow; its methods are timed.

    Layers use the global dtype policy of Keras at construction.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
        variant: `"loop"` over units, or `"batched"`.
    """

    def __init__(
        self, setting: settings.Setting, seed: int, variant: str = "batched"
    ):
        super().__init__(setting)
        self.clusters = {
            name: [Cluster(*x) for x in sizes]
            for name, sizes in cluster_sizes(setting, variant).items()
        }
        dense = keras.layers.Dense(setting.num_classes)
        self.model = self._build(
            keras.layers.Dropout(setting.dropout, seed=seed), dense
        )
        self.classifier = dense.kernel, dense.bias
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = make_optimizer(setting)
        self.optimizer.build(self.model.trainable_variables)
        self.set_weights(settings.draw_weights(setting, seed))

    def _load(self, features, labels):
        features = {k: tf.constant(x) for k, x in features.items()}
        labels = tf.constant(labels, tf.int32)
        weights = self.model.trainable_variables

        def forward():
            logits = self.model(features, training=False)
            return tf.nn.softmax(tf.cast(logits, tf.float32))

        def gradients():
            with tf.GradientTape() as tape:
                loss = self.loss(labels, self.model(features, training=True))
            return tape.gradient(loss, [x.value for x in weights])

        def step():
            self.optimizer.apply(gradients(), weights)

        self._forward = tf.function(forward)
        self._gradients = tf.function(gradients)
        self._step = tf.function(step)

    def _build(self, dropout, dense):
        frames, pooled, num_frames = {}, [], self.setting.num_frames
        for name, dim in self.setting.dims.items():
            frames[name] = keras.Input((num_frames, dim), name=name)
            pooled += [cluster(frames[name]) for cluster in self.clusters[name]]
        feature = ops.concatenate(pooled, axis=-1)
        return keras.Model(frames, dense(dropout(feature)))

    def _wait(self, result):
        tf.test.experimental.sync_devices()

    def _assign(self, variable, value):
        variable.assign(value)

    def _read(self, tensor):
        return ops.convert_to_numpy(tensor)
