"""The temporal segment network, which trains a backbone on clips."""

import math

import keras

from ac_keras.layers import AttentionCluster
from ac_keras.layers import FrameMask
from ac_keras.layers.framewise import Framewise


def segment_network(modality, backbone, num_classes, dropout=0.5):
    """Builds a classifier of clips from a few frames of each.

    The backbone and a dense layer compute scores of the classes for each
    frame. A softmax of the mean over a clip's frames returns probabilities.

    Args:
        modality: The modality's name.
        backbone: A `keras.Model` from `(batch, *frame_shape)` to `(batch,
            dim)`.
        num_classes: Integer, the number of classes.
        dropout: Float, the fraction of a frame's feature that is dropped in
            training.

    Returns:
        A `keras.Model` from the inputs of `ClipClassifier` for this modality,
        where a frame is a row of `prod(frame_shape)` values, to class
        probabilities `(batch, num_classes)`, float32.

    References:
        Wang et al., Temporal Segment Networks, ECCV 2016, section 3.1, Eq. 1
        with the average as consensus; Long et al., CVPR 2018, section 5.2.
    """
    size = math.prod(backbone.input_shape[1:])
    frames = keras.Input((None, size), name=modality)
    num_frames = keras.Input((), dtype="int32", name=f"{modality}_num_frames")
    mask = FrameMask(name="mask")(frames, num_frames)
    features = Framewise(backbone, name="backbone")(frames)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    scores = keras.layers.Dense(num_classes, name="scores")(features)
    # One unit of equal weights: the mean over the frames without padding.
    logits = AttentionCluster(1, "average", name="logits")(scores, mask=mask)
    probabilities = keras.layers.Activation(
        "softmax", dtype="float32", name="probabilities"
    )(logits)
    inputs = {x.name: x for x in (frames, num_frames)}
    return keras.Model(inputs, probabilities, name="segment_network")
