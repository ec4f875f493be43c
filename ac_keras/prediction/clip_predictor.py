"""From a media file to the classes of its clip."""

import dataclasses
import os
import pathlib

import keras
import numpy as np
import tensorflow as tf

from ac_keras.extraction import plan as kept_inputs
from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from ac_keras.extraction.inputs.clip_inputs import ClipInputs
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.models import attention_model
from ac_keras.pipeline import Description
from ac_keras.pipeline import sampling
from ac_keras.pipeline.decoding import batch_decoder


@dataclasses.dataclass(frozen=True)
class ClipPrediction:
    """What a model makes of a media file, and of what in it.

    Attributes:
        path: The file.
        classes: Names of the most probable classes, best first.
        scores: Their probabilities.
        problems: What was wrong with a file that could be used none the less.
        plan: How the file was read.
        inputs: What backbones received; nothing of a modality that the file
            lacks.
        attention: Mapping from each of the model's modalities to its units'
            weights, float32 `(num_units, num_sampled)`; of no frames where
            the file lacks it.
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
    """Predicts media files by a model of a dataset that was extracted.

    A file goes the way of the dataset's own: the same frames, the same
    backbones, stored and read back as its records are. The file of one of its
    clips is given the probabilities that its record is given.

    Args:
        model: A model of `cluster_classifier` that was trained on the dataset.
        directory: The dataset's folder. Its manifest and its backbones are
            read; its records may be missing.
        top_k: How many classes to name; all if there are fewer.
        sample_size: Frames taken at equal intervals from each modality; 0
            takes all.

    Raises:
        FileNotFoundError: If there is no manifest.
        ValueError: If the dataset was not extracted from media files, lacks
            a modality of the model, or its backbones are gone.
    """

    def __init__(
        self,
        model: keras.Model,
        directory: str | os.PathLike,
        top_k: int = 5,
        sample_size: int = 0,
    ):
        directory = pathlib.Path(directory)
        modalities = model.get_layer("clusters").modalities
        description = Description.load(directory).select(modalities)
        whole = kept_inputs.plan_of(description)
        self.plan = ExtractionPlan(
            whole.choice, {name: whole.modalities[name] for name in modalities}
        )
        self.top_k, self.sample_size = top_k, sample_size
        self._modalities = description.modalities
        self._names = description.class_names
        self._backbones = load_known_backbones(
            directory, description, self.plan
        )
        self._decode = batch_decoder(description, None, sample_size)
        self._apply = _compiled(attention_model(model))

    def predict(self, path: str | os.PathLike) -> ClipPrediction:
        """Predicts one file.

        Args:
            path: A media file.

        Returns:
            Its classes and where they come from.

        Raises:
            MediaError: If the file has nothing of the model's modalities, or
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
        """What a batch of the clip's record alone is parsed into."""
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
                    "Look at the file in a player, and leave it out."
                ) from error
        return stored

    def _positions(self, num_frames):
        if not self.sample_size or num_frames <= self.sample_size:
            return np.arange(num_frames)
        taken = sampling.equal_intervals(
            tf.constant([num_frames]), self.sample_size
        )
        return taken[0].numpy().astype(np.int64)


def _compiled(model):
    """Makes a function that is traced once, for any number of frames."""
    signature = {
        name: tf.TensorSpec((1, *x.shape[1:]), x.dtype, name)
        for name, x in model.input.items()
    }

    @tf.function(input_signature=[signature])
    def apply(features):
        outputs = model(features, training=False)
        return {name: tf.cast(x, tf.float32) for name, x in outputs.items()}

    return apply
