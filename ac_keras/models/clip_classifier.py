"""Classifiers of clips: frames of each modality, an aggregator, classes."""

import inspect

import keras

from ac_keras.layers import ByteDropout
from ac_keras.layers import FrameMask
from ac_keras.layers import MultimodalCluster
from ac_keras.layers import WideDense


@keras.saving.register_keras_serializable(package="ac_keras")
class ClipClassifier(keras.Model):
    """A functional model from the frames of a clip to class probabilities.

    Every modality `M` has two inputs: its frames, named `M`, `(batch,
    num_frames, dim)`, and the number of frames of each clip, named
    `M_num_frames`, int32 `(batch,)`. Later frames are padding. The aggregator
    makes one vector of each clip, the global feature, which goes through
    dropout, a dense layer (`logits`) and a softmax or sigmoid
    (`probabilities`).

    Args:
        dims: Mapping from modality to the dim of its frames.
        num_classes: Integer, the number of classes.
        aggregator: A layer that is called with a dict of frames and, as
            `mask`, a dict of bool tensors `(batch, num_frames)`, both by
            modality, and returns one vector a clip, `(batch, features)`. A
            layer whose call has an argument `return_attention_scores`
            returns attention scores as well; see `MultimodalCluster`.
        dropout: Float, the fraction of the global feature that is dropped in
            training.
        multi_label: Boolean. If True, a clip may have any number of classes:
            every class has its own probability, by a sigmoid. If False, the
            probabilities of a clip sum up to 1, by a softmax.
        dtype: The dtype policy of all layers but the aggregator, which has
            its own. By default the global policy. Probabilities are float32
            under any policy.
        **kwargs: `name` and `trainable`.

    Attributes:
        modalities: Tuple of the modalities, in the order of `dims`.
        aggregator: The aggregator.
        classifier: The dense layer that computes the logits.

    Call arguments:
        inputs: Dict of the inputs above.

    Output shape: `(batch, num_classes)`, float32.

    Example:
    >>> import numpy as np
    >>> model = ClipClassifier(
    ...     dims={"rgb": 8},
    ...     num_classes=3,
    ...     aggregator=MultimodalCluster({"rgb": 4}),
    ... )
    >>> inputs = {"rgb": np.ones((2, 6, 8)), "rgb_num_frames": np.array([6, 4])}
    >>> tuple(model(inputs).shape)
    (2, 3)

    References:
        Long et al., Attention Clusters, CVPR 2018, Figure 2 and section 3.5.
    """

    def __init__(
        self,
        dims,
        num_classes,
        aggregator,
        dropout=0.5,
        multi_label=False,
        dtype=None,
        **kwargs,
    ):
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        inputs, frames, mask = _make_inputs(dims)
        if _has_attention(aggregator):
            features, scores = aggregator(
                frames, mask=mask, return_attention_scores=True
            )
        else:
            features, scores = aggregator(frames, mask=mask), None
        dropped = ByteDropout(dropout, name="dropout", dtype=policy)(features)
        classifier = WideDense(num_classes, name="logits", dtype=policy)
        logits = classifier(dropped)
        activation = keras.layers.Activation(
            "sigmoid" if multi_label else "softmax",
            dtype="float32",
            name="probabilities",
        )
        super().__init__(inputs=inputs, outputs=activation(logits), **kwargs)
        self._set_parts(tuple(dims), aggregator, classifier, features, scores)

    @property
    def dims(self):
        """Dict from modality to the dim of its frames."""
        return {name: self.input[name].shape[-1] for name in self.modalities}

    @property
    def num_classes(self):
        """Integer, the number of classes."""
        return self.classifier.units

    @property
    def multi_label(self):
        """Boolean, whether a clip may have any number of classes."""
        return self.layers[-1].activation is keras.activations.sigmoid

    @property
    def has_attention(self):
        """Boolean, whether the aggregator returns attention scores."""
        return self._scores is not None

    def attention_model(self):
        """Builds a model that returns the attention scores as well.

        The result shares this model's layers and computes nothing twice.

        Returns:
            A `keras.Model` from the same inputs to a dict: `probabilities`
            `(batch, num_classes)` and, for every modality `M`, `M_attention`
            `(batch, num_units, num_frames)`.

        Raises:
            ValueError: If the aggregator has no attention.
        """
        if not self.has_attention:
            raise ValueError(
                "attention_model expects an aggregator whose call takes "
                "return_attention_scores. Received: aggregator="
                f"{type(self.aggregator).__name__}. Use an attention cluster, "
                "for example MultimodalCluster."
            )
        outputs = {"probabilities": self.output}
        for name in self.modalities:
            outputs[f"{name}_attention"] = self._scores[name]
        return keras.Model(self.input, outputs, name="attention_model")

    def logits_model(self):
        """Builds a model that returns the logits as well.

        Returns:
            A `keras.Model` from the same inputs to logits and probabilities,
            both `(batch, num_classes)`, which shares this model's layers.
        """
        return logits_model(self)

    def embedding_model(self):
        """Builds a model that returns the global feature.

        Returns:
            A `keras.Model` from the same inputs to the output of the
            aggregator, `(batch, features)`, which shares this model's layers.
        """
        return keras.Model(self.input, self._features, name="embedding_model")

    def get_config(self):
        """Returns the arguments that make such a model."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "dims": self.dims,
            "num_classes": self.num_classes,
            "aggregator": keras.saving.serialize_keras_object(self.aggregator),
            "dropout": self.get_layer("dropout").rate,
            "multi_label": self.multi_label,
        }

    @classmethod
    def from_config(cls, config):
        """Builds a model from the arguments that `get_config` returned."""
        aggregator = keras.saving.deserialize_keras_object(config["aggregator"])
        return cls(**{**config, "aggregator": aggregator})

    def _set_parts(self, modalities, aggregator, classifier, features, scores):
        """Sets attributes, once the model has its layers in graph order."""
        self.dtype_policy = classifier.dtype_policy
        self.modalities = modalities
        self.aggregator = aggregator
        self.classifier = classifier
        self._features, self._scores = features, scores

    @classmethod
    def _wrap(cls, model):
        """Makes a classifier of the layers of a functional model."""
        classifier = cls.__new__(cls)
        super(ClipClassifier, classifier).__init__(
            inputs=model.input, outputs=model.output, name=model.name
        )
        aggregator = model.get_layer("clusters")
        modalities = aggregator.modalities
        features, scores = keras.tree.pack_sequence_as(
            (0, dict.fromkeys(modalities, 0)), aggregator.output
        )
        logits = model.get_layer("logits")
        classifier._set_parts(modalities, aggregator, logits, features, scores)
        return classifier


def cluster_classifier(
    dims,
    clusters,
    num_classes,
    dropout=0.5,
    mean_features=None,
    multi_label=False,
):
    """Builds a `ClipClassifier` whose aggregator is a `MultimodalCluster`.

    Args:
        dims: Mapping from modality to the dim of its frames.
        clusters: Mapping from the same modalities to a number of units, which
            makes a `ShiftingCluster`, or to a cluster layer.
        num_classes: Integer, the number of classes.
        dropout: Float, the fraction of the global feature that is dropped in
            training.
        mean_features: Optional mapping from modality to the feature `(dim,)`
            that replaces the frames where the modality is absent.
        multi_label: Boolean, whether a clip may have any number of classes.

    Returns:
        A `ClipClassifier` with the modalities in the order of `clusters`.

    Raises:
        ValueError: If dims and clusters have different modalities.

    References:
        Long et al., Attention Clusters, CVPR 2018, Figure 2 and section 3.5.
    """
    if set(dims) != set(clusters):
        raise ValueError(
            "cluster_classifier expects dims and clusters for the same "
            f"modalities. Received: dims={sorted(dims)}, "
            f"clusters={sorted(clusters)}. Add the modalities that are "
            "missing from one of them."
        )
    return ClipClassifier(
        dims={modality: dims[modality] for modality in clusters},
        num_classes=num_classes,
        aggregator=MultimodalCluster(
            clusters, mean_features=mean_features, name="clusters"
        ),
        dropout=dropout,
        multi_label=multi_label,
        name="cluster_classifier",
    )


def as_clip_classifier(model):
    """Converts a classifier that version 0.1.0 saved to a `ClipClassifier`.

    Args:
        model: A `ClipClassifier`, which is returned as it is, or a functional
            model of `cluster_classifier` of version 0.1.0 or a clone of one.

    Returns:
        A `ClipClassifier` of the same layers.

    Raises:
        ValueError: If the model is neither.
    """
    if isinstance(model, ClipClassifier):
        return model
    names = [layer.name for layer in getattr(model, "layers", ())]
    if not {"clusters", "dropout", "logits", "probabilities"} <= set(names):
        raise ValueError(
            "as_clip_classifier expects a model of cluster_classifier. "
            f"Received: model={model!r} with layers {names}. Build a "
            "ClipClassifier and set its weights."
        )
    return ClipClassifier._wrap(model)


def attention_model(model):
    """Builds a model that returns a classifier's attention scores as well.

    Args:
        model: A model that `as_clip_classifier` takes.

    Returns:
        The `keras.Model` of `ClipClassifier.attention_model`.
    """
    return as_clip_classifier(model).attention_model()


def logits_model(model):
    """Builds a model that returns a classifier's logits as well.

    Losses of logits keep their gradient where a probability rounds to 0.

    Args:
        model: A functional model that ends in an activation layer, as those
            of `ClipClassifier` and `segment_network` do.

    Returns:
        A `keras.Model` from the same inputs to logits and probabilities, both
        `(batch, num_classes)`, which shares the given model's layers.
    """
    activation = model.layers[-1]
    return keras.Model(model.input, [activation.input, model.output])


def _make_inputs(dims):
    """Makes the inputs by name, and frames and masks by modality."""
    frames, num_frames, mask = {}, {}, {}
    for modality, dim in dims.items():
        frames[modality] = keras.Input((None, dim), name=modality)
        num_frames[modality] = keras.Input(
            (), dtype="int32", name=f"{modality}_num_frames"
        )
        mask[modality] = FrameMask(name=f"{modality}_mask")(
            frames[modality], num_frames[modality]
        )
    inputs = {x.name: x for x in (*frames.values(), *num_frames.values())}
    return inputs, frames, mask


def _has_attention(aggregator):
    arguments = inspect.signature(aggregator.call).parameters
    return "return_attention_scores" in arguments
