"""The network of a modality, as a program's flags name it."""

import keras

from ac_keras.extraction.backbone import load_backbone
from ac_keras.extraction.inflation import inflate_input
from ac_keras.extraction.saved_backbone import load_saved_backbone
from ac_keras.extraction.sound_network import vgg_audio
from ac_keras.models import small_cnn

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
