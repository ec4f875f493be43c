"""The package's layers on the JAX backend of Keras, with a step in JAX."""

import jax
import jax.numpy as jnp
import keras
import numpy as np

from ac_keras import cluster_classifier
from peers.keras_optimizer import make_optimizer
from peers.setting import Setting
from peers.setting import add_num_frames


class JaxClusters:
    """The classifier under KERAS_BACKEND=jax; its methods are timed.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
    """

    def __init__(self, setting: Setting, seed: int):
        keras.utils.set_random_seed(seed)
        model = cluster_classifier(
            setting.dims,
            setting.num_units,
            setting.num_classes,
            dropout=setting.dropout,
        )
        self.setting = setting
        self.model = keras.Model(model.input, model.classifier.output)
        self.optimizer = make_optimizer(setting)
        self.optimizer.build(self.model.trainable_variables)
        self._state = [
            [x.value for x in variables]
            for variables in (
                self.model.trainable_variables,
                self.model.non_trainable_variables,
                self.optimizer.variables,
            )
        ]
        self._forward = jax.jit(self._probabilities)
        self._backward = jax.jit(self._gradients)
        self._whole = jax.jit(self._step, donate_argnums=0)

    def load_batch(self, features: dict[str, np.ndarray], labels: np.ndarray):
        """Moves the batch that the other methods use to the device."""
        features = add_num_frames(self.setting, features)
        self._batch = jax.device_put((features, labels))

    def forward(self):
        """Computes the batch's probabilities, without dropout."""
        jax.block_until_ready(self._forward(self._state, self._batch))

    def gradients(self):
        """Computes the gradients of the loss, with dropout."""
        jax.block_until_ready(self._backward(self._state, self._batch))

    def step(self):
        """Updates the weights by one training step."""
        self._state = self._whole(self._state, self._batch)
        jax.block_until_ready(self._state)

    def _probabilities(self, state, batch):
        logits, _ = self.model.stateless_call(
            state[0], state[1], batch[0], training=False
        )
        return jax.nn.softmax(logits.astype("float32"))

    def _gradients(self, state, batch):
        def loss(weights):
            logits, other = self.model.stateless_call(
                weights, state[1], batch[0], training=True
            )
            log_probabilities = jax.nn.log_softmax(logits.astype("float32"))
            of_labels = jnp.take_along_axis(
                log_probabilities, batch[1][:, None], axis=1
            )
            return -of_labels.mean(), other

        return jax.grad(loss, has_aux=True)(state[0])

    def _step(self, state, batch):
        gradients, other = self._gradients(state, batch)
        weights, slots = self.optimizer.stateless_apply(
            state[2], gradients, state[0]
        )
        return [weights, other, slots]
