"""One attention cluster for each modality."""

import keras
import numpy as np
from keras import ops

from ac_keras.layers.shifting_cluster import ShiftingCluster


@keras.saving.register_keras_serializable(package="ac_keras")
class MultimodalCluster(keras.layers.Layer):
    """Pools the frames of every modality by its own cluster (Figure 2).

    Modalities differ in distribution, dimension and scale, so each has its
    own cluster. The outputs are concatenated in the order of `clusters`.

    A modality is absent from a clip if the mask keeps none of its frames. Its
    part of the output is then zero, or, with `mean_features`, the cluster's
    output for a single frame, the modality's mean feature. The paper uses the
    mean over the training set for clips without audio (section 5.2).

    Args:
        clusters: Mapping from modality to a number of units, which makes a
            `ShiftingCluster`, or to a cluster layer.
        mean_features: Optional mapping from modality to the feature `(dim,)`
            that replaces the frames of an absent modality.
        **kwargs: `name`, `dtype` and other arguments of a Keras layer.

    Call arguments:
        frames: Dict from modality to float tensors `(batch, num_frames, dim)`;
            `num_frames` and `dim` may differ between modalities.
        mask: Optional dict from modality to bool tensors `(batch,
            num_frames)`; True keeps a frame. All frames of a modality that is
            not in it are kept.
        return_attention_scores: Boolean, whether to return the scores too.

    Output shape: `(batch, sum of num_units * dim over the modalities)`; with
        `return_attention_scores=True` a tuple of that and a dict from
        modality to scores `(batch, num_units, num_frames)`, 0 where the
        modality is absent.

    Raises:
        ValueError: If modalities, an argument or a shape are invalid.

    Example:
    >>> import numpy as np
    >>> layer = MultimodalCluster({"rgb": 4, "audio": 2})
    >>> rgb, audio = np.ones((3, 20, 8)), np.ones((3, 10, 5))
    >>> tuple(layer({"rgb": rgb, "audio": audio}).shape)
    (3, 42)

    References:
        Long et al., Attention Clusters, CVPR 2018, sections 3.5 and 5.2.
    """

    def __init__(self, clusters, mean_features=None, **kwargs):
        super().__init__(**kwargs)
        if not clusters:
            raise ValueError(
                "MultimodalCluster expects a mapping from at least one "
                f"modality. Received: clusters={clusters!r}. For example: "
                '{"rgb": 64, "audio": 32}.'
            )
        self.mean_features = {
            modality: np.asarray(feature, "float32")
            for modality, feature in (mean_features or {}).items()
        }
        unknown = sorted(set(self.mean_features) - set(clusters))
        if unknown:
            raise ValueError(
                "MultimodalCluster expects mean_features for modalities in "
                f"{list(clusters)}. Received: {unknown} as well. Remove them "
                "or add clusters for them."
            )
        self.modalities = tuple(clusters)
        self.clusters = {
            modality: self._as_layer(modality, cluster)
            for modality, cluster in clusters.items()
        }
        self.supports_masking = True

    def build(self, input_shape):
        self._check_modalities(input_shape)
        for modality in self.modalities:
            shape, cluster = input_shape[modality], self.clusters[modality]
            if not cluster.built:  # A given or loaded one may be.
                cluster.build(shape)
            mean = self.mean_features.get(modality)
            if mean is not None and mean.shape != (shape[-1],):
                raise ValueError(
                    "MultimodalCluster expects the mean feature of "
                    f"{modality!r} in shape {(shape[-1],)}, as its frames. "
                    f"Received: shape={mean.shape}. Take the mean over all "
                    "frames of the training set."
                )

    def call(self, frames, mask=None, return_attention_scores=False):
        self._check_modalities(frames)
        pooled, scores = [], {}
        for modality in self.modalities:
            inputs, keep = frames[modality], self._mask_of(mask, modality)
            fill = keep is not None and modality in self.mean_features
            if fill:
                inputs, keep = self._append_mean(modality, inputs, keep)
            output, scores[modality] = self.clusters[modality](
                inputs, mask=keep, return_attention_scores=True
            )
            if fill:
                scores[modality] = scores[modality][:, :, :-1]
            pooled.append(ops.cast(output, self.compute_dtype))
        pooled = ops.concatenate(pooled, axis=-1)
        return (pooled, scores) if return_attention_scores else pooled

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        self._check_modalities(input_shape)
        shapes = [
            self.clusters[modality].compute_output_shape(input_shape[modality])
            for modality in self.modalities
        ]
        return (shapes[0][0], sum(width for _, width in shapes))

    def compute_output_spec(
        self, frames, mask=None, return_attention_scores=False
    ):
        self._check_modalities(frames)
        scores = {}
        for modality in self.modalities:
            _, scores[modality] = self.clusters[modality].compute_output_spec(
                frames[modality],
                self._mask_of(mask, modality),
                return_attention_scores=True,
            )
        shapes = {name: x.shape for name, x in frames.items()}
        pooled = keras.KerasTensor(
            self.compute_output_shape(shapes), self.compute_dtype
        )
        return (pooled, scores) if return_attention_scores else pooled

    def get_config(self):
        return {
            **super().get_config(),
            "clusters": {
                modality: keras.saving.serialize_keras_object(
                    self.clusters[modality]
                )
                for modality in self.modalities
            },
            "mean_features": {
                modality: feature.tolist()
                for modality, feature in self.mean_features.items()
            },
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["clusters"] = {
            modality: keras.saving.deserialize_keras_object(cluster)
            for modality, cluster in config["clusters"].items()
        }
        return cls(**config)

    def _as_layer(self, modality, cluster):
        if isinstance(cluster, keras.layers.Layer):
            return cluster
        return ShiftingCluster(cluster, dtype=self.dtype_policy, name=modality)

    def _check_modalities(self, frames):
        if not isinstance(frames, dict) or set(frames) != set(self.modalities):
            received = (
                sorted(frames)
                if isinstance(frames, dict)
                else type(frames).__name__
            )
            raise ValueError(
                "MultimodalCluster expects a dict of frames with the "
                f"modalities {list(self.modalities)}. Received: {received}. "
                "Pass a modality that is absent from a clip as fully masked."
            )

    def _mask_of(self, mask, modality):
        if mask is None:
            return None
        unknown = (
            sorted(set(mask) - set(self.modalities))
            if isinstance(mask, dict)
            else type(mask).__name__
        )
        if unknown:
            raise ValueError(
                "MultimodalCluster expects mask as a dict with modalities "
                f"among {list(self.modalities)}. Received: {unknown}. Pass "
                "one mask (batch, num_frames) for each modality."
            )
        return mask.get(modality)

    def _append_mean(self, modality, frames, mask):
        """Appends the mean feature as a frame, kept if there is no other."""
        mask = ops.cast(mask, "bool")
        absent = ~ops.any(mask, axis=1, keepdims=True)  # (batch, 1)
        mean = ops.cast(self.mean_features[modality], frames.dtype)
        mean = ops.where(absent[:, :, None], mean, 0)  # (batch, 1, dim)
        frames = ops.concatenate([frames, mean], axis=1)
        return frames, ops.concatenate([mask, absent], axis=1)
