"""The classifier of Figure 2, as a functional model."""

import keras

from ac_keras.layers import ByteDropout
from ac_keras.layers import FrameMask
from ac_keras.layers import MultimodalCluster
from ac_keras.layers import WideDense


def cluster_classifier(
    dims,
    clusters,
    num_classes,
    dropout=0.5,
    mean_features=None,
    multi_label=False,
):
    """Builds clusters, dropout, a dense layer and a softmax or sigmoid.

    Every modality has two inputs: its frames `(batch, num_frames, dim)` under
    the modality's name and int32 counts `(batch,)` under the name with
    `_num_frames` behind it. Frames past the count are padding.

    Args:
        dims: Mapping from modality to the dim of its frames.
        clusters: Mapping from the same modalities to a number of units or to
            a cluster layer, as `MultimodalCluster` takes it.
        num_classes: Integer, the number of classes.
        dropout: Float, the share of the global feature dropped in training.
        mean_features: Optional mapping from modality to the feature that
            stands in where the modality is absent.
        multi_label: Whether a clip may have any number of classes: every
            class then has a probability of its own, by a sigmoid, rather
            than a share of 1.

    Returns:
        A `keras.Model` from a dict of the inputs to class probabilities
        `(batch, num_classes)` in float32.

    Raises:
        ValueError: If dims and clusters name different modalities.

    References:
        Long et al., Attention Clusters, CVPR 2018, Figure 2 and section 3.5.
    """
    if set(dims) != set(clusters):
        raise ValueError(
            "cluster_classifier expects dims and clusters for the same "
            f"modalities. Received: dims={sorted(dims)}, "
            f"clusters={sorted(clusters)}. Give every modality both."
        )
    frames, num_frames, mask = {}, {}, {}
    for modality in clusters:
        frames[modality] = keras.Input((None, dims[modality]), name=modality)
        num_frames[modality] = keras.Input(
            (), dtype="int32", name=f"{modality}_num_frames"
        )
        mask[modality] = FrameMask(name=f"{modality}_mask")(
            frames[modality], num_frames[modality]
        )
    # With the scores, as Keras wants a layer's calls in one graph to have
    # equally many outputs, and attention_model calls it for them.
    features, _ = MultimodalCluster(
        clusters, mean_features=mean_features, name="clusters"
    )(frames, mask=mask, return_attention_scores=True)
    features = ByteDropout(dropout, name="dropout")(features)
    logits = WideDense(num_classes, name="logits")(features)
    # In float32, whatever the rest computes in.
    activation = keras.layers.Activation(
        "sigmoid" if multi_label else "softmax",
        dtype="float32",
        name="probabilities",
    )
    probabilities = activation(logits)
    inputs = {x.name: x for x in (*frames.values(), *num_frames.values())}
    return keras.Model(inputs, probabilities, name="cluster_classifier")


def attention_model(model):
    """Makes a cluster classifier give its attention scores as well.

    The result shares the given model's layers and computes nothing twice.

    Args:
        model: A model of `cluster_classifier`, new or loaded.

    Returns:
        A `keras.Model` from the same inputs to a dict: `probabilities`
        `(batch, num_classes)` and, for every modality, `MODALITY_attention`
        `(batch, num_units, num_frames)`.
    """
    clusters = model.get_layer("clusters")
    features, scores = clusters(
        {name: model.input[name] for name in clusters.modalities},
        mask={
            name: model.get_layer(f"{name}_mask").output
            for name in clusters.modalities
        },
        return_attention_scores=True,
    )
    logits = model.get_layer("logits")(features)
    outputs = {"probabilities": model.get_layer("probabilities")(logits)}
    for name in clusters.modalities:
        outputs[f"{name}_attention"] = scores[name]
    return keras.Model(model.input, outputs, name="attention_model")
