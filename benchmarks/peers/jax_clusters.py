"""The package's layers on the JAX backend of Keras, with a step in JAX."""

import jax
import jax.numpy as jnp
import keras

from ac_keras import cluster_classifier
from peers.keras_optimizer import make_optimizer
from peers.peer import Peer
from peers.setting import Setting
from peers.setting import add_num_frames


class JaxClusters(Peer):
    """The classifier under KERAS_BACKEND=jax; its methods are timed.

    Args:
        setting: Sizes and training.
        seed: Integer, the seed of initial weights and dropout.
    """

    def __init__(self, setting: Setting, seed: int):
        super().__init__(setting)
        keras.utils.set_random_seed(seed)
        model = cluster_classifier(*setting.sizes, dropout=setting.dropout)
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
        self._compiled_forward = jax.jit(self._probabilities)
        self._compiled_gradients = jax.jit(self._differentiate)
        self._compiled_step = jax.jit(self._update, donate_argnums=0)

    def _load(self, features, labels):
        features = add_num_frames(self.setting, features)
        self._batch = jax.device_put((features, labels))

    def _forward(self):
        return self._compiled_forward(self._state, self._batch)

    def _gradients(self):
        return self._compiled_gradients(self._state, self._batch)

    def _step(self):
        self._state = self._compiled_step(self._state, self._batch)
        return self._state

    def _wait(self, result):
        jax.block_until_ready(result)

    def _probabilities(self, state, batch):
        logits, _ = self.model.stateless_call(
            state[0], state[1], batch[0], training=False
        )
        return jax.nn.softmax(logits.astype("float32"))

    def _differentiate(self, state, batch):
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

    def _update(self, state, batch):
        gradients, other = self._differentiate(state, batch)
        weights, slots = self.optimizer.stateless_apply(
            state[2], gradients, state[0]
        )
        return [weights, other, slots]
