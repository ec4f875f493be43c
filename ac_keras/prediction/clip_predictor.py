"""Predictor from a media file to the classes of its clip."""

import dataclasses
import os
import pathlib

import keras
import numpy as np
import tensorflow as tf

from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import plan_of
from ac_keras.models import attention_model
from ac_keras.pipeline import Description
from ac_keras.pipeline import sampling
from ac_keras.pipeline.decoding import batch_decoder


@dataclasses.dataclass(frozen=True)
class ClipPrediction:
    """Prediction for a media file, with its attention weights.

    Attributes:
        path: The file.
        classes: Names of the most probable classes, best first.
        scores: Their probabilities.
        problems: Descriptions of damage in a file that was read in part.
        plan: Plan with which the file was read.
        inputs: Inputs of the backbones, without the modalities that the file
            lacks.
        attention: Mapping from each of the model's modalities to its units'
            weights, float32 `(num_units, num_sampled)`; `num_sampled` is 0 if
            the file lacks the modality.
        sampled: Mapping from each of them to the positions, among `inputs`,
            of the frames that the model received, int64 `(num_sampled,)`.
    """

    path: str
    classes: tuple[str, ...]
    scores: tuple[float, ...]
    problems: tuple[str, ...]
    plan: ExtractionPlan
    inputs: ClipInputs
    attention: dict[str, np.ndarray]
    sampled: dict[str, np.ndarray]


class ClipPredictor:
    """Predicts media files with a model of an extracted dataset.

    A file is processed like the dataset's own: the same choice of frames, the
    same backbones, and features stored and read back as in records. The file
    of a clip and its record get the same probabilities.

    Args:
        model: A model of `cluster_classifier` that was trained on the dataset.
        directory: Folder of the dataset, with its manifest and its backbones;
            records are not needed.
        top_k: Maximum number of classes per clip.
        sample_size: Frames taken at equal intervals from each modality; 0
            takes all.

    Raises:
        FileNotFoundError: If there is no manifest.
        ValueError: If the dataset was not extracted from media files, lacks
            a modality of the model, or its backbones are missing.
    """

    def __init__(
        self,
        model: keras.Model,
        directory: str | os.PathLike,
        top_k: int = 5,
        sample_size: int = 0,
    ):
        directory = pathlib.Path(directory)
        modalities = model.modalities
        description = Description.load(directory).select(modalities)
        self.plan = plan_of(description).select(modalities)
        self.top_k, self.sample_size = top_k, sample_size
        self._modalities = description.modalities
        self._names = description.class_names
        self._backbones = load_known_backbones(
            directory, description, self.plan
        )
        self._decode = batch_decoder(description, None, sample_size)
        self._apply = _compile(attention_model(model))

    def predict(self, path: str | os.PathLike) -> ClipPrediction:
        """Predicts one media file.

        Raises:
            MediaError: If the file has none of the model's modalities, or
                cannot be used.
            ImportError: If a package of `ac-keras[media]` is missing.
        """
        path = os.fsdecode(path)
        inputs = read_inputs(path, self.plan)
        features, _ = self._decode(self._stored(path, inputs), None)
        outputs = {
            name: value[0].numpy()
            for name, value in self._apply(features).items()
        }
        probabilities = outputs["probabilities"]
        best = np.argsort(-probabilities, kind="stable")[: self.top_k]
        sampled = {
            name: self._positions(len(inputs.arrays.get(name, ())))
            for name in self._modalities
        }
        return ClipPrediction(
            path=path,
            classes=tuple(self._names[index] for index in best),
            scores=tuple(probabilities[best].tolist()),
            problems=tuple(inputs.problems),
            plan=self.plan,
            inputs=inputs,
            attention={
                name: outputs[f"{name}_attention"][:, : len(positions)]
                for name, positions in sampled.items()
            },
            sampled=sampled,
        )

    def _stored(self, path, inputs):
        """Returns the parsed batch of a record of this clip alone."""
        stored = {"id": tf.constant([os.fsencode(path)])}
        for name, modality in self._modalities.items():
            frames = np.zeros((0, modality.dim), np.float32)
            if len(inputs.arrays.get(name, ())):
                frames = self._backbones.features(name, inputs.arrays[name])
            try:
                stored[name] = tf.constant([modality.encode(frames)])
            except ValueError as error:
                raise MediaError(
                    f"A clip, modality {name!r}, {error}; path={path!r}. "
                    "Check the file in a player, and leave it out."
                ) from error
        return stored

    def _positions(self, num_frames):
        if not self.sample_size or num_frames <= self.sample_size:
            return np.arange(num_frames)
        taken = sampling.equal_intervals(
            tf.constant([num_frames]), self.sample_size
        )
        return taken[0].numpy().astype(np.int64)


def _compile(model):
    """Returns a function that is traced once, for any number of frames."""
    signature = {
        name: tf.TensorSpec((1, *x.shape[1:]), x.dtype, name)
        for name, x in model.input.items()
    }

    @tf.function(input_signature=[signature])
    def apply(features):
        outputs = model(features, training=False)
        return {name: tf.cast(x, tf.float32) for name, x in outputs.items()}

    return apply
