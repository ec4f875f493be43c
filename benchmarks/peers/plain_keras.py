"""Attention clusters in Keras without the package's optimizations.

All units of a modality in batched products, the shift of Eq. 7 on their
outputs, and the dropout, loss, clipping and optimizer of Keras.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from peers import setting as settings
from peers.keras_optimizer import make_optimizer


class BatchedCluster(keras.layers.Layer):
    """All units of a modality: Eq. 4, then Eq. 7 on the pooled features.

    Args:
        num_units: Integer, the number of units.

    Call arguments:
        frames: Float tensor `(batch, num_frames, dim)`.

    Output shape: `(batch, num_units * dim)`.
    """

    def __init__(self, num_units, **kwargs):
        super().__init__(**kwargs)
        self.num_units = num_units

    def build(self, input_shape):
        """Adds a kernel column and two scalars for every unit."""
        dim, units = input_shape[-1], self.num_units
        self.kernel = self.add_weight(name="kernel", shape=(dim, units))
        self.alpha = self.add_weight(name="alpha", shape=(units,))
        self.beta = self.add_weight(name="beta", shape=(units,))

    def call(self, frames):
        """Pools, shifts and normalizes."""
        scores = ops.softmax(ops.matmul(frames, self.kernel), axis=1)
        pooled = ops.matmul(ops.transpose(scores, (0, 2, 1)), frames)
        shifted = self.alpha[:, None] * pooled + self.beta[:, None]
        square = ops.sum(ops.square(shifted), axis=-1, keepdims=True)
        units = shifted / (self.num_units**0.5 * ops.sqrt(square))
        return ops.reshape(units, (-1, self.num_units * frames.shape[-1]))

    def assign(self, kernel, alpha, beta):
        """Assigns the weights."""
        self.kernel.assign(kernel)
        self.alpha.assign(alpha)
        self.beta.assign(beta)

    def read(self):
        """Returns kernel, alpha and beta as NumPy arrays."""
        weights = self.kernel, self.alpha, self.beta
        return tuple(ops.convert_to_numpy(x) for x in weights)


class PlainKeras:
    """The classifier in Keras and TensorFlow; its methods are timed.

    `forward`, `gradients` and `step` return when their work is done. Layers
    use the global dtype policy of Keras at construction.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
    """

    cluster_class = BatchedCluster

    def __init__(self, setting: settings.Setting, seed: int):
        self.setting = setting
        self.clusters = {
            name: self.cluster_class(units, name=f"{name}_cluster")
            for name, units in setting.num_units.items()
        }
        self.classifier = keras.layers.Dense(setting.num_classes)
        self.model = self._build(
            keras.layers.Dropout(setting.dropout, seed=seed)
        )
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.optimizer = make_optimizer(setting)
        self.optimizer.build(self.model.trainable_variables)
        self._forward = tf.function(self._probabilities)
        self._backward = tf.function(self._gradients)
        self._whole = tf.function(self._step)
        self.set_weights(settings.draw_weights(setting, seed))

    def set_weights(self, weights: dict[str, np.ndarray]):
        """Assigns weights, named as in `Setting.weight_shapes`."""
        settings.check_weights(self.setting, weights)
        for name, cluster in self.clusters.items():
            cluster.assign(*(weights[f"{name}/{x}"] for x in settings.PARTS))
        self.classifier.kernel.assign(weights["classifier/kernel"])
        self.classifier.bias.assign(weights["classifier/bias"])

    def get_weights(self) -> dict[str, np.ndarray]:
        """Returns the weights, named as in `Setting.weight_shapes`."""
        weights = settings.read_clusters(self.clusters)
        for part in ("kernel", "bias"):
            value = getattr(self.classifier, part)
            weights[f"classifier/{part}"] = ops.convert_to_numpy(value)
        return weights

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Converts the batch that the other methods use to tensors."""
        settings.check_batch(self.setting, features, labels)
        self._features = {k: tf.constant(x) for k, x in features.items()}
        self._labels = tf.constant(labels, tf.int32)

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._forward(self._features)
        tf.test.experimental.sync_devices()

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        self._backward(self._features, self._labels)
        tf.test.experimental.sync_devices()

    def step(self):
        """Updates the weights by one training step."""
        self._whole(self._features, self._labels)
        tf.test.experimental.sync_devices()

    def probe(self) -> np.ndarray:
        """Returns the batch's probabilities `(batch_size, num_classes)`."""
        return self._forward(self._features).numpy()

    def _build(self, dropout):
        frames, pooled, num_frames = {}, [], self.setting.num_frames
        for name, dim in self.setting.dims.items():
            frames[name] = keras.Input((num_frames, dim), name=name)
            pooled.append(self.clusters[name](frames[name]))
        feature = ops.concatenate(pooled, axis=-1)
        return keras.Model(frames, self.classifier(dropout(feature)))

    def _probabilities(self, features):
        logits = self.model(features, training=False)
        return tf.nn.softmax(tf.cast(logits, tf.float32))

    def _gradients(self, features, labels):
        with tf.GradientTape() as tape:
            loss = self.loss(labels, self.model(features, training=True))
        weights = [x.value for x in self.model.trainable_variables]
        return tape.gradient(loss, weights)

    def _step(self, features, labels):
        gradients = self._gradients(features, labels)
        self.optimizer.apply(gradients, self.model.trainable_variables)
