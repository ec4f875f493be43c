"""The backbones of a dataset, applied clip by clip."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from ac_keras.extraction.plan import ExtractionPlan

FOLDER = "backbones"  # of a dataset's folder
CHUNK = 32  # frames at a time


def backbone_path(directory: pathlib.Path, modality: str) -> pathlib.Path:
    """The file of a modality's backbone in a dataset's folder."""
    return directory / FOLDER / f"{modality}.keras"


class ClipBackbones:
    """Turns what was read of a clip into its local features.

    A clip goes through alone, so that its features do not depend on what else
    is extracted. A modality without a file keeps its inputs as features, one
    row a frame.

    Args:
        directory: The dataset's folder.
        plan: What is taken from a file.

    Attributes:
        models: The backbones, by modality.
    """

    def __init__(self, directory: pathlib.Path, plan: ExtractionPlan):
        self.models, self._apply = {}, {}
        for name, modality in plan.modalities.items():
            path = backbone_path(directory, name)
            if path.is_file():
                model = keras.models.load_model(path, compile=False)
                shape = (None, *modality.input_shape)
                self.models[name] = model
                self._apply[name] = _compiled(model, shape)

    def features(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """Computes a modality's features.

        Args:
            name: The modality.
            inputs: `(num_frames, *input_shape)`, uint8 or float32.

        Returns:
            `(num_frames, dim)`, float32 from a backbone, else of the inputs'
            dtype.
        """
        if name not in self._apply:
            return inputs.reshape(len(inputs), -1)
        parts = [
            self._apply[name](inputs[first : first + CHUNK].astype("float32"))
            for first in range(0, len(inputs), CHUNK)
        ]
        return np.concatenate(parts)


def _compiled(model, shape):
    """Makes a function that is traced once, for any number of frames."""
    signature = tf.TensorSpec(shape, tf.float32)

    @tf.function(input_signature=[signature])
    def apply(inputs):
        return tf.cast(model(inputs, training=False), tf.float32)

    return lambda inputs: apply(inputs).numpy()
