"""Signatures of a served classifier, as functions of its requests."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from ac_keras.models import attention_model
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.description import OWN_RECORDS
from ac_keras.serving.checks import Tensors
from ac_keras.serving.checks import check_clips
from ac_keras.serving.checks import check_counts
from ac_keras.serving.checks import check_features
from ac_keras.serving.checks import check_parsable
from ac_keras.serving.checks import check_probabilities
from ac_keras.serving.checks import check_shapes

SERVING_DEFAULT = "serving_default"
ATTENTION = "attention"
ONE_CLIP = "predict_frames"
EXAMPLES = "from_examples"
CLASSIFY = "classify"
SEQUENCES = "from_sequence_examples"
PROBABILITIES = "probabilities"
SEQUENCE_FORMATS = ("youtube8m", "mediasequence")


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """Options that are fixed when a model is exported.

    Attributes:
        top_k: Number of classes in `classes` and `scores`; all classes if
            there are fewer.
        sample_size: Number of frames taken at equal intervals from a clip
            that is sent as a record; 0 takes all.
        max_num_frames: Largest number of frames of a clip and modality; a
            request with a longer clip is rejected.

    Raises:
        ValueError: If a number is out of range.
    """

    top_k: int = 5
    sample_size: int = 0
    max_num_frames: int = 10_000

    def __post_init__(self):
        if self.top_k < 1 or self.sample_size < 0 or self.max_num_frames < 1:
            raise ValueError(
                "Serving expects top_k and max_num_frames of 1 or more and "
                f"sample_size of 0 or more. Received: {self}."
            )


def frame_limit(manifest: Manifest) -> int:
    """Returns a `max_num_frames` that accepts all clips of a dataset."""
    longest = [
        length
        for split in manifest.splits.values()
        for length in split.max_num_frames.values()
    ]
    return max([ServingOptions.max_num_frames, *longest])


class ServedClassifier:
    """A model with its signatures.

    Args:
        model: A model of `cluster_classifier`.
        description: Description of the dataset that it was trained on.
        options: Options of the signatures.

    Attributes:
        description: The description, with the model's own modalities only.
        options: The options.

    Raises:
        ValueError: If the dataset's classes or modalities are not the
            model's.
    """

    def __init__(
        self,
        model: keras.Model,
        description: Description,
        options: ServingOptions,
    ):
        names = model.modalities
        self.description = description.select(names)
        self.options = options
        self._classifier = model
        self._attention = attention_model(model)
        modalities = self.description.modalities
        self._dims = {name: x.dim for name, x in modalities.items()}
        self._check_fit(model)
        self._class_names = tf.constant(self.description.class_names)

    def endpoints(self, sequence_format: str | None = None) -> dict:
        """Returns each signature's function and the specs of its inputs.

        Args:
            sequence_format: Record format of `from_sequence_examples`; None
                omits that signature.

        Raises:
            ValueError: If `sequence_format` is not one of
                `SEQUENCE_FORMATS`.
        """
        if sequence_format not in (None, *SEQUENCE_FORMATS):
            raise ValueError(
                f"Serving expects sequence_format among {SEQUENCE_FORMATS} or "
                f"None. Received: sequence_format={sequence_format!r}. Omit it "
                "for records of `encode_clip`, which `from_examples` takes."
            )
        dense = {}
        for name, dim in self._dims.items():
            dense[name] = _float_spec(name, None, None, dim)
            count = f"{name}_num_frames"
            dense[count] = tf.TensorSpec((None,), tf.int32, count)
        one_clip = {
            name: _float_spec(name, None, dim)
            for name, dim in self._dims.items()
        }
        endpoints = {
            SERVING_DEFAULT: (self._serve, dense),
            ATTENTION: (self._attend, dense),
            ONE_CLIP: (self._serve_one_clip, one_clip),
            EXAMPLES: (
                self._record_function(OWN_RECORDS),
                _strings_spec("examples"),
            ),
            CLASSIFY: (self._classify, _strings_spec("inputs")),
        }
        if sequence_format is not None:
            endpoints[SEQUENCES] = (
                self._record_function(sequence_format),
                _strings_spec("examples"),
            )
        return endpoints

    def _serve(self, inputs: Tensors) -> Tensors:
        features = check_clips(inputs, self._dims, self.options.max_num_frames)
        return self._answer(features)

    def _attend(self, inputs: Tensors) -> Tensors:
        features = check_clips(inputs, self._dims, self.options.max_num_frames)
        outputs = {  # float32, whatever the model computes in
            name: tf.cast(x, tf.float32)
            for name, x in self._attention(features, training=False).items()
        }
        probabilities = check_probabilities(outputs[PROBABILITIES])
        outputs[PROBABILITIES] = probabilities
        return {**outputs, **self._best(probabilities)}

    def _serve_one_clip(self, frames: Tensors) -> Tensors:
        shapes = {name: (None, dim) for name, dim in self._dims.items()}
        features = {}
        for name, x in check_shapes(frames, shapes).items():
            features[name] = x[None]
            features[f"{name}_num_frames"] = tf.shape(x)[:1]
        return self._serve(features)

    def _classify(self, inputs: tf.Tensor) -> Tensors:
        features = self._read(inputs, OWN_RECORDS, "inputs")
        return self._best(self._answer(features)[PROBABILITIES])

    def _record_function(self, record_format: str) -> Callable:
        def serve_records(examples: tf.Tensor) -> Tensors:
            return self._answer(self._read(examples, record_format))

        return serve_records

    def _read(
        self, serialized: tf.Tensor, record_format: str, key: str = "examples"
    ) -> Tensors:
        """Parses and decodes clips that were sent as records `(batch,)`."""
        serialized = check_shapes({key: serialized}, {key: (None,)})[key]
        serialized = check_parsable(serialized, record_format != OWN_RECORDS)
        description = dataclasses.replace(
            self.description, record_format=record_format
        )
        sample_size = self.options.sample_size
        stored = parsing.parse_records(
            serialized, description, labelled=False, named=False
        )
        counts = {
            name: decoding.count_frames(stored[name], modality)
            for name, modality in description.modalities.items()
        }
        checks = check_counts(
            counts, self._dims, self.options.max_num_frames, sample_size
        )
        with tf.control_dependencies(checks):
            stored = {name: tf.identity(x) for name, x in stored.items()}
        decode = batch_decoder(description, None, sample_size, check=False)
        features, _ = decode(stored, None)
        floats = [  # quantized features are always in range
            name
            for name, modality in description.modalities.items()
            if modality.dtype != "uint8"
        ]
        return check_features(features, floats)

    def _answer(self, features: Tensors) -> Tensors:
        probabilities = self._classifier(features, training=False)
        probabilities = check_probabilities(tf.cast(probabilities, tf.float32))
        return {PROBABILITIES: probabilities, **self._best(probabilities)}

    def _best(self, probabilities: tf.Tensor) -> Tensors:
        top_k = min(self.options.top_k, self.description.num_classes)
        scores, labels = tf.math.top_k(probabilities, top_k)
        return {
            "scores": scores,
            "classes": tf.gather(self._class_names, labels),
        }

    def _check_fit(self, model: keras.Model) -> None:
        dims = {name: model.input[name].shape[-1] for name in self._dims}
        num_classes = model.output.shape[-1]
        named = self.description.num_classes
        if dims != self._dims or named != num_classes:
            raise ValueError(
                f"Serving expects modalities of dims {dims} and {num_classes} "
                f"classes, as the model has. Received: dims {self._dims} and "
                f"{named} class names. Pass the description of the dataset "
                "that the model was trained on."
            )


def _float_spec(name: str, *shape: int | None) -> tf.TensorSpec:
    return tf.TensorSpec(shape, tf.float32, name)


def _strings_spec(name: str) -> tf.TensorSpec:
    return tf.TensorSpec((None,), tf.string, name)
