"""Backbones: networks from pixels or log-mel patches to local features."""

import difflib
import functools
import json
import os
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from ac_keras.extraction.backbones import keras_hub_backbone
from ac_keras.extraction.backbones.inflation import inflate_input
from ac_keras.extraction.backbones.inflation import widen_input
from ac_keras.extraction.backbones.model_file import ModelFile
from ac_keras.extraction.backbones.model_file import kind_of
from ac_keras.extraction.backbones.runtime_backbone import RuntimeBackbone
from ac_keras.extraction.backbones.speech_embedding import SpeechEmbedding
from ac_keras.extraction.backbones.vgg_audio import vgg_audio
from ac_keras.extraction.media.frame_times import is_positive_integer
from ac_keras.models import small_cnn

SMALL = "small"
VGG_AUDIO = "vgg16"
SPEECH_EMBEDDING = "speech_embedding"
IMAGENET = "imagenet"
LOG_MEL_SCALE = 0.25  # log-mel values lie between about -4.6 and 4
MAX_PIXEL = 255


def choose_backbone(
    modality: str,
    input_shape: tuple[int, ...],
    *,
    source: str | None = None,
    weights: str | None = None,
    inflate_from: str | None = None,
    input_format: Mapping[str, Any] | None = None,
) -> keras.Model | RuntimeBackbone:
    """Builds or loads the backbone of a modality.

    Args:
        modality: `"rgb"`, `"flow"` or `"audio"`.
        input_shape: Shape of an input: pixels 0..255, a log-mel patch, or a
            window of a waveform.
        source: `"small"` for `small_cnn`, `"vgg16"` or `"speech_embedding"`
            for audio, a name in `keras.applications`, `"keras_hub:PRESET"`,
            a `.keras`, `.tflite` or `.onnx` file, or a SavedModel folder.
        weights: With a name: `"imagenet"` or a file; None for random weights.
        inflate_from: The `.keras` file of an RGB backbone whose first
            convolution is inflated to the input's channels; excludes `source`.
        input_format: Of a model file: values of `InputFormat` that replace
            those of the JSON file beside it.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, dim)`.

    Raises:
        ValueError: If the network does not exist, or does not accept the
            input.
    """
    if (source is None) == (inflate_from is None):
        raise ValueError(
            f"Expected either a backbone for {modality} or one to inflate. "
            f"Received: backbone={source!r}, inflate_from={inflate_from!r}. "
            f"Pass one of them; {_choices(modality)}."
        )
    preset = keras_hub_backbone.preset_of(source)
    if input_format and not kind_of(source) and preset is None:
        raise ValueError(
            f"Expected no --{modality}_input, as the backbone has its own "
            f"format of inputs. Received: {dict(input_format)} for "
            f"{source or inflate_from}. Leave it out."
        )
    if modality == "audio" and source == SPEECH_EMBEDDING:
        return _speech_embedding(input_shape)
    if kind_of(source):
        return _model_file(modality, input_shape, source, input_format)
    if len(input_shape) != 3:
        raise ValueError(
            "Expected a backbone that takes windows of a waveform. Received: "
            f"{source!r}, which takes images. Pass `{SPEECH_EMBEDDING}`, or "
            "inputs of another plan."
        )
    height, width, channels = input_shape
    if inflate_from is not None:
        rgb = load_saved_backbone(inflate_from, (height, width, 3))
        return inflate_input(rgb, channels)
    if source == SMALL:
        if modality == "audio":
            return small_cnn(input_shape, scale=LOG_MEL_SCALE, offset=0.0)
        return small_cnn(input_shape)
    if source.endswith(".keras"):
        return load_saved_backbone(source, input_shape)
    if preset is not None and modality != "audio":
        return keras_hub_backbone.keras_hub_backbone(
            preset, input_shape, weights, input_format
        )
    if modality == "audio":
        if source == VGG_AUDIO:
            return vgg_audio(weights)
        raise ValueError(
            f"Expected a backbone for audio. Received: {source!r}. Pass "
            f"{_choices(modality)}."
        )
    return load_backbone(
        source, size=height, channels=channels, weights=weights
    )


def load_backbone(
    source: str | os.PathLike,
    *,
    size: int,
    channels: int = 3,
    weights: str | os.PathLike | None = IMAGENET,
) -> keras.Model:
    """Loads a network that maps an image to a local feature.

    A network of `keras.applications` is built without its classifier, averaged
    over the image, and with the preprocessing that it was trained with. For
    other than 3 channels, `inflate_input` derives it from the RGB network;
    without weights, its first convolution is then random as well.

    Args:
        source: A name in `keras.applications`, such as `"InceptionResNetV2"`
            or `"ResNet152"`, or the path of a saved `.keras` model that maps
            pixel values 0..255 to `(batch, dim)`.
        size: Height and width of an image in pixels.
        channels: 3 for RGB, 2 per pair of frames of stacked flow.
        weights: With a name: `"imagenet"`, which Keras downloads; the path of
            a weights file of this RGB network without its classifier (Keras's
            own file names end in `notop.h5`); or None for random weights. A
            saved model has its own weights: leave the default.

    Returns:
        A model from pixel values 0..255 `(batch, size, size, channels)`,
        float32 or uint8, to features `(batch, dim)`, float32. It consists of
        Keras's own layers; a saved model is returned as it is.

    Raises:
        ValueError: If the network does not exist, does not accept the size or
            channels, or the weights cannot be loaded.
    """
    for name, value in {"size": size, "channels": channels}.items():
        if not is_positive_integer(value):
            raise ValueError(
                f"load_backbone expects {name} to be a positive integer. "
                f"Received: {name}={value!r}. Pass the side in pixels as size "
                "and 3 channels for RGB, 2 per field of stacked flow."
            )
    source = os.fspath(source)
    if source in application_names():
        return _load_application(source, size, channels, weights)
    if not source.endswith(".keras"):
        raise _unknown_source(source)
    if weights != IMAGENET:
        raise ValueError(
            "load_backbone expects no weights with a saved model, which has "
            f"its own. Received: weights={weights!r}, source={source!r}. Leave "
            "out weights."
        )
    return load_saved_backbone(source, (size, size, channels))


def load_saved_backbone(
    path: str | os.PathLike, input_shape: tuple[int, ...]
) -> keras.Model:
    """Loads a saved model and checks that it can be a backbone.

    It is not compiled. `input_shape` is `(height, width, channels)`.

    Raises:
        ValueError: If the file cannot be loaded, its input is not one
            `(batch, height, width, channels)` of this shape, or its output is
            not one `(batch, dim)` of finite numbers.
    """
    path, input_shape = os.fspath(path), tuple(input_shape)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # A custom layer may fail in any way.
        raise ValueError(
            "load_saved_backbone expects a .keras file that Keras can load. "
            f"Received: {path!r}; Keras says: {error}\nSave it with "
            "model.save(path), and register custom layers where they are "
            "imported before this."
        ) from error
    _check_inputs(model, path, input_shape)
    pixels = np.random.default_rng(0).integers(
        0, MAX_PIXEL + 1, (1, *input_shape)
    )
    try:
        features = model(pixels.astype(np.float32), training=False)
    except Exception as error:  # As above.
        reason = f"a call that fails with: {error}\n"
        raise _input_error(path, input_shape, reason) from error
    _check_features(features, path)
    return model


def application_names() -> list[str]:
    """Returns the names of the networks in `keras.applications`."""
    return sorted(x for x in vars(keras.applications) if x[:1].isupper())


def application_preprocessing(name: str) -> Callable:
    """Returns the `preprocess_input` of a network in `keras.applications`.

    It is the identity if the network contains its own preprocessing.
    """
    # Some networks are in several modules; the original one always has it.
    origin = getattr(keras.applications, name).__module__.rpartition(".")[2]
    return getattr(keras.applications, origin).preprocess_input


def _speech_embedding(input_shape):
    backbone = SpeechEmbedding()
    if tuple(input_shape) != backbone.input_shape[1:]:
        raise ValueError(
            f"Expected inputs for `{SPEECH_EMBEDDING}`, windows of "
            f"{backbone.input_shape[1]} samples. Received: inputs of shape "
            f"{tuple(input_shape)}, as log-mel patches have. Extract it from "
            "media files instead of stored inputs."
        )
    return backbone


@functools.cache
def _load_once(modality, path, given):
    return ModelFile(modality, path, json.loads(given))


def load_model_file(
    modality: str, path: str, given: Mapping[str, Any] | None
) -> ModelFile:
    """Loads a model file as `ModelFile` does, once."""
    return _load_once(modality, path, json.dumps(dict(given or {})))


def _model_file(modality, input_shape, path, given):
    model = load_model_file(modality, path, given)
    if model.input_shape[1:] != tuple(input_shape):
        raise ValueError(
            f"Expected a model for inputs of shape {tuple(input_shape)} of "
            f"{modality}. Received: {path}, which takes "
            f"{model.input_shape[1:]}. Leave out --crop, pass another model, "
            "or extract from media files instead of stored inputs."
        )
    return model


def _choices(modality):
    named = "a name in keras.applications"
    if modality == "audio":
        named = f"`{VGG_AUDIO}`, `{SPEECH_EMBEDDING}`"
    files = "a .keras, .tflite or .onnx file or a SavedModel folder"
    return f"`{SMALL}`, {named} or {files}"


def _load_application(name, size, channels, weights):
    pixels = keras.Input((size, size, 3), name="pixels")
    has_file = weights not in (None, IMAGENET)
    if has_file:
        weights = os.fspath(weights)
        if not os.path.isfile(weights):
            raise ValueError(
                'load_backbone expects weights to be "imagenet", None or a '
                f"file. Received: weights={weights!r}, which is not a file. "
                "Pass a weights file of the network without its classifier."
            )
    try:
        network = getattr(keras.applications, name)(
            include_top=False,
            pooling="avg",
            weights=weights,
            input_tensor=application_preprocessing(name)(pixels),
            input_shape=(size, size, 3),
        )
    except Exception as error:  # Keras's type for a failed download.
        raise _application_error(error, name, size, weights) from error
    if has_file:
        _fix_normalization(network)
    model = keras.Model(
        pixels,
        keras.layers.Activation("linear", dtype="float32", name="features")(
            network.outputs[0]
        ),
        name=name,
    )
    if channels == 3:
        return model
    return widen_input(model, channels, averaged=weights is not None)


def _fix_normalization(network):
    """Repeats what Keras does to EfficientNetB0 to B7 with "imagenet" only."""
    # Their files store the standard deviation as the variance.
    deviations = [0.229, 0.224, 0.225]
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, variance, count = layer.get_weights()
            if np.allclose(variance, deviations, rtol=1e-3):
                layer.set_weights([mean, variance**2, count])
                layer.finalize_state()


def _application_error(error, name, size, weights):
    """Returns Keras's error with a hint how to fix it."""
    fix = (
        "Pass a size that the network accepts, and weights of this RGB network "
        "without its classifier."
    )
    if weights == IMAGENET and not str(error).startswith("Input size"):
        fix = (
            "If Keras cannot download, get the file of this network whose "
            "name ends in notop.h5 elsewhere and pass its path as weights, or "
            "None for random ones."
        )
    return ValueError(
        "load_backbone expects a network that Keras can build, and its "
        f"weights. Received: source={name!r}, size={size}, "
        f"weights={weights!r}; Keras says: {error}\n{fix}"
    )


def _unknown_source(source):
    names = {x.lower(): x for x in application_names()}
    plain = source.lower().replace("_", "").replace("-", "")
    similar = difflib.get_close_matches(plain, names, n=5, cutoff=0.6)
    listed = ", ".join(names[x] for x in similar or names)
    return ValueError(
        "load_backbone expects a name in keras.applications or the path of a "
        f".keras file. Received: source={source!r}. "
        f"{'Similar names' if similar else 'The names'} are {listed}."
    )


def _check_inputs(model, path, input_shape):
    """Compares the shapes; a subclassed model does not state its own."""
    inputs = getattr(model, "inputs", None)
    if inputs is None:
        return
    shapes = [tuple(x.shape) for x in inputs]
    fits = (
        len(shapes) == 1
        and len(shapes[0]) == 4
        and all(
            own in (None, given)
            for own, given in zip(shapes[0][1:], input_shape, strict=True)
        )
    )
    if not fits:
        raise _input_error(path, input_shape, f"inputs of shapes {shapes}")


def _input_error(path, input_shape, received):
    return ValueError(
        "load_saved_backbone expects a model with one input (batch, height, "
        f"width, channels), here {('batch', *input_shape)}. Received: "
        f"{path!r} with {received}. Pass the size that it was built for; "
        "inflate_input adapts an RGB network to more channels."
    )


def _check_features(features, path):
    shape = getattr(features, "shape", None)  # None with several outputs
    if shape is None or len(shape) != 2:
        received = f"an output of shape {tuple(shape or ())}"
        if shape is None:
            received = f"{len(features)} outputs"
        raise ValueError(
            "load_saved_backbone expects a model with one output (batch, dim). "
            f"Received: {path!r} with {received}. End it with "
            "GlobalAveragePooling2D, and save it without its classifier."
        )
    values = keras.ops.convert_to_numpy(features).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(
            "load_saved_backbone expects finite features of values 0..255. "
            f"Received: {path!r}, of whose features for a random image "
            f"{(~np.isfinite(values)).sum()} are not finite. Scale pixels "
            "within the model, and retrain it if its weights are not finite."
        )
