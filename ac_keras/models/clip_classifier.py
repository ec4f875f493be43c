"""Classifiers of clips: frames of each modality, an aggregator, classes."""

import inspect

import keras
import numpy as np

from ac_keras.layers import ByteDropout
from ac_keras.layers import FrameMask
from ac_keras.layers import FrameStandardization
from ac_keras.layers import MultimodalCluster
from ac_keras.layers import WideDense
from ac_keras.utils.frame_moments import FrameMoments


@keras.saving.register_keras_serializable(package="ac_keras")
class ClipClassifier(keras.Model):
    """A functional model from the frames of a clip to class probabilities.

    Every modality `M` has two inputs: its frames, named `M`, `(batch,
    num_frames, dim)`, and the number of frames of each clip, named
    `M_num_frames`, int32 `(batch,)`. Later frames are padding. Frames may be
    standardized first. The aggregator makes one vector of each clip, the
    global feature, which goes through dropout, a dense layer (`logits`) and a
    softmax or sigmoid (`probabilities`).

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
        standardize: `"scale"` or `"feature"` standardizes the frames of each
            modality by a `FrameStandardization` of that mode, which `adapt`
            or `set_statistics` must set before training. None does not.
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
        standardize=None,
        dtype=None,
        **kwargs,
    ):
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        inputs, frames, mask = _make_inputs(dims)
        if standardize is not None:
            frames = {
                modality: FrameStandardization(
                    standardize, name=f"{modality}_standardization"
                )(frames[modality], mask=mask[modality])
                for modality in dims
            }
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
    def standardize(self):
        """Mode of the standardization of frames, or None."""
        layers = list(self._standardizations().values())
        return layers[0].mode if layers else None

    @property
    def has_attention(self):
        """Boolean, whether the aggregator returns attention scores."""
        return self._scores is not None

    def adapt(self, batches):
        """Sets the standardization to the statistics of some clips.

        Args:
            batches: Iterable of inputs of this model, or of tuples that start
                with them, such as `evaluation_batches(manifest, "train",
                batch_size=64)`. It is read once for all modalities.

        Raises:
            ValueError: If the model does not standardize, there is no frame of
                a modality, or a value is not finite.
        """
        self._check_standardizes("adapt")
        moments = {name: FrameMoments(dim) for name, dim in self.dims.items()}
        for batch in batches:
            inputs = batch[0] if isinstance(batch, tuple) else batch
            for name in moments:
                frames = np.asarray(inputs[name])
                num_frames = np.asarray(inputs[f"{name}_num_frames"])
                kept = np.arange(frames.shape[1]) < num_frames[:, None]
                moments[name].add(frames[kept])
        empty = [name for name in moments if not moments[name].count]
        if empty:
            raise ValueError(
                "adapt expects clips with frames of all modalities. Received: "
                f"none of {empty[0]!r}. Leave the modality out."
            )
        self.set_statistics(
            {name: x.mean for name, x in moments.items()},
            {name: x.deviation for name, x in moments.items()},
        )

    def set_statistics(self, means, deviations):
        """Sets the standardization of every modality.

        Args:
            means: Mapping from modality to the mean of each feature, `(dim,)`,
                such as `mean_features` of a dataset's training split.
            deviations: Mapping from modality to the standard deviation of each
                feature, `(dim,)`, such as its `feature_deviations`.

        Raises:
            ValueError: If the model does not standardize, or a value is not
                finite.
        """
        self._check_standardizes("set_statistics")
        for name, layer in self._standardizations().items():
            layer.set_statistics(means[name], deviations[name])

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
            "standardize": self.standardize,
        }

    @classmethod
    def from_config(cls, config):
        """Builds a model from the arguments that `get_config` returned."""
        aggregator = keras.saving.deserialize_keras_object(config["aggregator"])
        return cls(**{**config, "aggregator": aggregator})

    def _check_standardizes(self, method):
        if self.standardize is None:
            raise ValueError(
                f"{method} expects a model that standardizes frames. Received: "
                'standardize=None. Build it with standardize="scale".'
            )

    def _standardizations(self):
        """Returns the layers that standardize, by modality."""
        return {
            layer.name.removesuffix("_standardization"): layer
            for layer in self.layers
            if isinstance(layer, FrameStandardization)
        }

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
    standardize=None,
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
            that replaces the frames where the modality is absent, of
            standardized frames if they are.
        multi_label: Boolean, whether a clip may have any number of classes.
        standardize: None, `"scale"` or `"feature"`; see `ClipClassifier`.

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
        standardize=standardize,
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
