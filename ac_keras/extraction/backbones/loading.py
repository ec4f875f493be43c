"""Networks from pixels to local features."""

import difflib
import os
from collections.abc import Callable

import keras
import numpy as np

from ac_keras.extraction.backbones.inflation import inflate_input
from ac_keras.extraction.backbones.inflation import widen_input
from ac_keras.extraction.backbones.vgg_audio import vgg_audio
from ac_keras.models import small_cnn

HIGHEST = 255  # of a pixel


def load_saved_backbone(
    path: str | os.PathLike, input_shape: tuple[int, ...]
) -> keras.Model:
    """Loads a saved model and makes sure that it can be a backbone.

    Args:
        path: A `.keras` file.
        input_shape: `(height, width, channels)` of what it will get.

    Returns:
        The model, not compiled, as it was saved.

    Raises:
        ValueError: If the file cannot be loaded, takes other inputs than one
            `(batch, height, width, channels)` of this shape, or gives other
            than one `(batch, dim)` of finite numbers.
    """
    path, input_shape = os.fspath(path), tuple(input_shape)
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # Any layer of the user's may fail in any way.
        raise ValueError(
            "load_saved_backbone expects a .keras file that Keras can load. "
            f"Received: {path!r}; Keras says: {error}\nSave it with "
            "model.save(path), and register layers of your own where they are "
            "imported before this."
        ) from error
    _check_inputs(model, path, input_shape)
    _check_features(_try_out(model, path, input_shape), path)
    return model


def _check_inputs(model, path, input_shape):
    """Compares the shapes; a subclassed model does not tell its own."""
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
        raise _input_refusal(path, input_shape, f"inputs of shapes {shapes}")


def _try_out(model, path, input_shape):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, HIGHEST + 1, (1, *input_shape)).astype(np.float32)
    try:
        return model(pixels, training=False)
    except Exception as error:  # As in loading.
        reason = f"a call that fails with: {error}\n"
        raise _input_refusal(path, input_shape, reason) from error


def _input_refusal(path, input_shape, received):
    return ValueError(
        "load_saved_backbone expects a model of one input (batch, height, "
        f"width, channels), here {('batch', *input_shape)}. Received: "
        f"{path!r} with {received}. Give the size that it was built for; "
        "inflate_input makes a network of RGB take more channels."
    )


def _check_features(features, path):
    shape = getattr(features, "shape", None)  # of several outputs none
    if shape is None or len(shape) != 2:
        received = f"an output of shape {tuple(shape or ())}"
        if shape is None:
            received = f"{len(features)} outputs"
        raise ValueError(
            "load_saved_backbone expects a model of one output (batch, dim). "
            f"Received: {path!r} with {received}. End it in "
            "GlobalAveragePooling2D, and save it without its classes."
        )
    values = keras.ops.convert_to_numpy(features).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError(
            "load_saved_backbone expects finite features of values 0..255. "
            f"Received: {path!r}, of whose features for a random picture "
            f"{(~np.isfinite(values)).sum()} are not. Scale pixels within "
            "the model, and train it anew if its weights are not finite."
        )


IMAGENET = "imagenet"


def load_backbone(
    source: str | os.PathLike,
    *,
    size: int,
    channels: int = 3,
    weights: str | os.PathLike | None = IMAGENET,
) -> keras.Model:
    """Loads a network that turns a picture into a local feature.

    A network of `keras.applications` comes without its classes, averaged over
    the picture, and with the preprocessing that it was trained with. For other
    than 3 channels `inflate_input` makes it of the RGB network, so that
    stacked flow is seen at the scale of colours; without weights the first
    convolution is then random as well.

    Args:
        source: A name in `keras.applications`, such as `"InceptionResNetV2"`
            or `"ResNet152"`, or the path of a saved `.keras` model of one's
            own, which takes pixel values 0..255 and gives `(batch, dim)`.
        size: Height and width of a picture in pixels.
        channels: 3 for RGB, 2 for each pair of frames of stacked flow.
        weights: For a name: `"imagenet"`, which Keras downloads; the path of
            a file that this network without its classes has written, on RGB
            (Keras's own name of its kind ends in `notop.h5`); or None for
            random weights. A saved model has its own: leave the default.

    Returns:
        A model from pixel values 0..255 `(batch, size, size, channels)`,
        float32 or uint8, to features `(batch, dim)`, float32. It is made of
        Keras's own layers; a saved model is returned as it is.

    Raises:
        ValueError: If there is no such network, it does not take the size or
            channels, or the weights cannot be had.
    """
    for name, value in {"size": size, "channels": channels}.items():
        if (
            not isinstance(value, int | np.integer)
            or value is True
            or value < 1
        ):
            raise ValueError(
                f"load_backbone expects {name} to be an integer above 0. "
                f"Received: {name}={value!r}. Give pixels a side as size and "
                "3 channels for RGB, 2 for each flow of a stack."
            )
    source = os.fspath(source)
    if source in application_names():
        return _load_application(source, size, channels, weights)
    if not source.endswith(".keras"):
        raise _unknown(source)
    if weights != IMAGENET:
        raise ValueError(
            "load_backbone expects no weights beside a saved model, which has "
            f"its own. Received: weights={weights!r}, source={source!r}. Leave "
            "weights out."
        )
    return load_saved_backbone(source, (size, size, channels))


def application_names() -> list[str]:
    """Lists the networks that `keras.applications` has."""
    return sorted(x for x in vars(keras.applications) if x[:1].isupper())


def application_preprocessing(name: str) -> Callable:
    """Gives the function that prepares pixels 0..255 for a network.

    Args:
        name: A name in `keras.applications`.

    Returns:
        Its `preprocess_input`, which changes nothing where the network itself
        begins with it.
    """
    # Some are in several modules, others in that of their origin alone.
    origin = getattr(keras.applications, name).__module__.rpartition(".")[2]
    return getattr(keras.applications, origin).preprocess_input


def _load_application(name, size, channels, weights):
    pixels = keras.Input((size, size, 3), name="pixels")
    if weights not in (None, IMAGENET):
        weights = _checked_file(weights)
    try:
        network = getattr(keras.applications, name)(
            include_top=False,
            pooling="avg",
            weights=weights,
            input_tensor=application_preprocessing(name)(pixels),
            input_shape=(size, size, 3),
        )
    except Exception as error:  # So does Keras tell of a failed download.
        raise _translated(error, name, size, weights) from error
    if weights not in (None, IMAGENET):
        _complete_normalization(network)
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


def _checked_file(weights):
    path = os.fspath(weights)
    if not os.path.isfile(path):
        raise ValueError(
            'load_backbone expects weights to be "imagenet", None or a file. '
            f"Received: weights={path!r}, which is no file. Give the path of "
            "one that the network without its classes has written."
        )
    return path


def _complete_normalization(network):
    """Does what Keras does to EfficientNetB0 to B7 with "imagenet" alone.

    Their files hold the standard deviation as the variance, and Keras then
    divides once more by its root.
    """
    deviations = [0.229, 0.224, 0.225]
    for layer in network.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            mean, variance, count = layer.get_weights()
            if np.allclose(variance, deviations, rtol=1e-3):
                layer.set_weights([mean, variance**2, count])
                layer.finalize_state()


def _translated(error, name, size, weights):
    """What Keras says, with what to do about it."""
    fix = (
        "Give a size that the network takes, and weights of this network "
        "without its classes, on RGB."
    )
    if weights == IMAGENET and not str(error).startswith("Input size"):
        fix = (
            "Where Keras cannot download, get the file of this network whose "
            "name ends in notop.h5 elsewhere and give its path as weights, or "
            "None for random ones."
        )
    return ValueError(
        "load_backbone expects a network that Keras can build, and its "
        f"weights. Received: source={name!r}, size={size}, "
        f"weights={weights!r}; Keras says: {error}\n{fix}"
    )


def _unknown(source):
    names = {x.lower(): x for x in application_names()}
    plain = source.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, names, n=5, cutoff=0.6)
    listed = ", ".join(names[x] for x in near or names)
    return ValueError(
        "load_backbone expects a name in keras.applications or the path of a "
        f".keras file. Received: source={source!r}. "
        f"{'Near it are' if near else 'The names are'} {listed}."
    )


SMALL = "small"
VGG_AUDIO = "vgg16"
LOG_MEL_SCALE = 0.25  # log-mel values lie between -4.6 and 4, about


def choose_backbone(
    modality: str,
    input_shape: tuple[int, int, int],
    *,
    source: str | None = None,
    weights: str | None = None,
    inflate_from: str | None = None,
) -> keras.Model:
    """Makes or loads a backbone.

    Args:
        modality: `"rgb"`, `"flow"` or `"audio"`.
        input_shape: What is made of a frame: pixels 0..255, or a log-mel
            patch.
        source: `"small"` for `small_cnn`, `"vgg16"` for audio, a name in
            `keras.applications`, or a `.keras` file.
        weights: `"imagenet"` or a file, for a name; None is random.
        inflate_from: The `.keras` file of an RGB backbone that is made to
            take the input's channels; instead of a source.

    Returns:
        A model from `(batch, *input_shape)` to `(batch, dim)`.

    Raises:
        ValueError: If there is no such network, or it does not take the
            input.
    """
    if (source is None) == (inflate_from is None):
        raise ValueError(
            f"Expected either a backbone for {modality} or one to inflate. "
            f"Received: backbone={source!r}, inflate_from={inflate_from!r}. "
            f"Give one of them; {_choices(modality)}."
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
    if modality == "audio":
        if source == VGG_AUDIO:
            return vgg_audio(weights)
        raise ValueError(
            f"Expected a backbone for audio. Received: {source!r}. Give "
            f"{_choices(modality)}."
        )
    return load_backbone(
        source, size=height, channels=channels, weights=weights
    )


def _choices(modality):
    named = "`vgg16`" if modality == "audio" else "a name in keras.applications"
    return f"`{SMALL}`, {named} or a .keras file"
