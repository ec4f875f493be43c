"""The package's own classifier and step, with what makes them fast or without.

It has the interface of the classes in benchmarks/peers.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.layers import WideDense
from ac_keras.training import UpdateStep
from ac_keras.training import update_step
from peers.setting import Setting

NEVER = 2**62  # elements of a weight


@dataclasses.dataclass(frozen=True)
class Measures:
    """What is done for speed."""

    shift_on_weights: bool = True
    byte_dropout: bool = True
    wide_dense: bool = True
    compiled_update: bool = True


class ShiftOnOutputs(ShiftingCluster):
    """Eq. 7 as it reads, on the units' outputs."""

    def _pool(self, scores, frames, mask):
        scores = keras.ops.cast(scores, self.compute_dtype)
        pooled = keras.ops.matmul(
            keras.ops.transpose(scores, (0, 2, 1)), frames
        )
        pooled = keras.ops.cast(pooled, "float32")
        shifted = self.alpha[:, None] * pooled + self.beta[:, None]
        square = keras.ops.sum(
            keras.ops.square(shifted), axis=-1, keepdims=True
        )
        shifted = shifted * self._scale(square)
        any_frame = keras.ops.any(mask, axis=1)[:, None, None]
        shifted = keras.ops.where(any_frame, shifted, 0.0)
        return keras.ops.cast(shifted, self.compute_dtype)


def make_model(setting: Setting, measures: Measures) -> keras.Model:
    """Builds the classifier in Keras's global dtype policy."""
    cluster = ShiftingCluster if measures.shift_on_weights else ShiftOnOutputs
    dims = {name: dim for name, (dim, _) in setting.modalities.items()}
    clusters = {
        name: cluster(units) for name, (_, units) in setting.modalities.items()
    }
    model = cluster_classifier(
        dims, clusters, setting.num_classes, dropout=setting.dropout
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
    """Makes the step with the setting's optimizer, as Keras has it."""
    return UpdateStep(
        model,
        keras.optimizers.get(setting.optimizer),
        clip_norm=setting.clip_norm,
        seed=seed,
    )


def make_features(setting: Setting, features: dict) -> dict[str, tf.Tensor]:
    """Adds the numbers of frames."""
    count = np.full(len(next(iter(features.values()))), setting.num_frames)
    counts = {f"{name}_num_frames": count.astype("int32") for name in features}
    return {k: tf.constant(x) for k, x in {**features, **counts}.items()}


class OwnClusters:
    """The package's classifier and UpdateStep; times are its methods'.

    Args:
        setting: Sizes and training.
        seed: Integer that decides the dropout.
        measures: What is done for speed.
    """

    def __init__(
        self, setting: Setting, seed: int, measures: Measures | None = None
    ):
        measures = measures or Measures()
        self.setting = setting
        self.model = make_model(setting, measures)
        # Tracing reads it, which load_batch does.
        self._large = 2**20 if measures.compiled_update else NEVER
        self.update = make_update(setting, self.model, seed)

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Makes tensors of the batch and traces the other methods."""
        features = make_features(self.setting, features)
        labels, size = tf.constant(labels, tf.int32), self.setting.batch_size
        model, update = self.model, self.update
        self._functions = {
            "forward": lambda: model(features, training=False),
            "gradients": lambda: update._part(features, labels, size)[2],
            "step": lambda: update(features, labels, size)[0],
        }
        update_step.LARGE = self._large
        for name, function in self._functions.items():
            self._functions[name] = tf.function(function, autograph=False)
            self._run(name)

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        self._run("forward")

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        self._run("gradients")

    def step(self):
        """Updates the weights by one step of training."""
        self._run("step")

    def _run(self, name):
        self._functions[name]()
        tf.test.experimental.sync_devices()
