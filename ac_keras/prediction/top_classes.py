"""The most probable classes of clips."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


class TopClasses:
    """Names the most probable classes of each clip of a batch.

    Scoring and choosing are one graph, so that of a batch only the chosen
    classes leave it. Batches may have any number of clips and frames.

    Args:
        model: A model of `cluster_classifier`.
        class_names: One name a class, in the order of the labels.
        top_k: How many classes to name; all if there are fewer.
    """

    def __init__(
        self, model: keras.Model, class_names: Sequence[str], top_k: int = 5
    ):
        self.model = model
        self.top_k = min(top_k, len(class_names))
        self._names = np.array(class_names, dtype=object)
        signature = {
            name: tf.TensorSpec(x.shape, x.dtype, name)
            for name, x in model.input.items()
        }
        self._choose = tf.function(self._graph, input_signature=[signature])

    def __call__(
        self, features: dict[str, tf.Tensor]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Names the classes.

        Args:
            features: For every modality float32 `(batch, num_frames, dim)`,
                and int32 `MODALITY_num_frames` `(batch,)`.

        Returns:
            Names, objects `(batch, top_k)`, and scores, float32
            `(batch, top_k)`, best first.
        """
        scores, labels = self._choose(features)
        return self._names[labels.numpy()], scores.numpy()

    def _graph(self, features):
        probabilities = self.model(features, training=False)
        return tf.math.top_k(tf.cast(probabilities, tf.float32), self.top_k)
