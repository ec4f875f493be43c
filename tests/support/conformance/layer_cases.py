"""Every layer and classifier: how to make and call it, and its reference."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import ac_keras
from support.layers import reference
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import randomize
from support.layers.reference import units_of
from support.layers.reference import weights_of

MEAN = (0.5, -1.0, 2.0, 0.25, -0.5)
DEVIATION = (2.0, 4.0, 3.0, 1.5, 2.5)


@dataclasses.dataclass(frozen=True)
class LayerCase:
    """One row of the conformance tables.

    Attributes:
        make: Makes the layer, not yet built, from a dtype policy.
        inputs: Arrays by name.
        call: Calls the layer on the inputs, which may be symbolic.
        frames: Picks the call's first argument from the inputs.
        read_weights: Reads the layer's weights, in float64.
        pool: Computes the output from weights and inputs, in float64.
        scores: Computes the attention scores, a list of arrays in the order
            of `keras.tree.flatten`; None where there are none.
        dtype: The dtype of the output; None is the compute dtype.
    """

    make: Callable
    inputs: dict
    call: Callable
    frames: Callable
    read_weights: Callable
    pool: Callable
    scores: Callable | None = None
    dtype: str | None = None

    def make_randomly(self, dtype="float32"):
        """Makes a built layer with random weights, the same each time."""
        layer = self.make(dtype)
        self.call(layer, self.inputs)
        return randomize(layer, seed=0)

    def call_fully(self, layer, inputs):
        """Calls the layer for a list of its output and its scores, if any."""
        if self.scores is None:
            return [self.call(layer, inputs)]
        outputs = self.call(layer, inputs, return_attention_scores=True)
        return keras.tree.flatten(outputs)

    def expected(self, layer, inputs=None):
        """Computes the same list from the layer's weights, in float64."""
        weights = self.read_weights(layer)
        inputs = self.inputs if inputs is None else inputs
        scores = [] if self.scores is None else self.scores(weights, inputs)
        return [self.pool(weights, inputs), *scores]


def draw_clips(seed, num_frames, dim, absent=1):
    """Draws clips with NaN as padding; the one at `absent` has no frames."""
    frames = draw_frames(seed, num_frames=num_frames, dim=dim)
    mask = draw_mask(seed, num_frames=num_frames)
    mask[absent] = False
    frames[~mask] = np.nan
    return frames, mask


def cluster_case(make, num_units=3):
    frames, mask = draw_clips(1, num_frames=6, dim=5)

    def pool(weights, inputs):
        units = units_of(weights, num_units)
        return reference.pool(inputs["frames"], units, inputs["mask"])

    def scores(weights, inputs):
        units = units_of(weights, num_units)
        return [
            reference.attention_scores(inputs["frames"], units, inputs["mask"])
        ]

    return LayerCase(
        make=make,
        inputs={"frames": frames, "mask": mask},
        call=lambda layer, inputs, **kwargs: layer(
            inputs["frames"], mask=inputs["mask"], **kwargs
        ),
        frames=lambda inputs: inputs["frames"],
        read_weights=weights_of,
        pool=pool,
        scores=scores,
    )


def unit_case(make):
    case = cluster_case(make, num_units=1)

    def scores(weights, inputs):
        return [case.scores(weights, inputs)[0][:, 0]]

    return dataclasses.replace(case, scores=scores)


def pool_modalities(weights, frames, mask, clusters):
    pooled = [
        reference.pool(frames[name], units_of(weights[name], num), mask[name])
        for name, num in clusters.items()
    ]
    return np.concatenate(pooled, axis=1)


def multimodal_case(clusters, mean_features):
    rgb, rgb_mask = draw_clips(1, num_frames=6, dim=5)
    audio, audio_mask = draw_clips(2, num_frames=3, dim=4, absent=2)

    def make(dtype):
        layers = dict(clusters)
        if mean_features:  # With a layer as well as a number of units.
            layers["audio"] = ac_keras.ShiftingCluster(
                clusters["audio"], "fc2", 4, dtype=dtype
            )
        return ac_keras.MultimodalCluster(
            layers, mean_features=mean_features, dtype=dtype
        )

    def masks(inputs):
        return {"rgb": inputs["rgb_mask"], "audio": inputs["audio_mask"]}

    def frames(inputs):
        return {"audio": inputs["audio"], "rgb": inputs["rgb"]}

    def pool(weights, inputs):
        clips = {name: inputs[name].copy() for name in clusters}
        mask = {name: masks(inputs)[name].copy() for name in clusters}
        for name, mean in mean_features.items():
            absent = ~mask[name].any(axis=1)
            clips[name][absent, 0] = mean
            mask[name][absent, 0] = True
        return pool_modalities(weights, clips, mask, clusters)

    return LayerCase(
        make=make,
        inputs={
            "rgb": rgb,
            "audio": audio,
            "rgb_mask": rgb_mask,
            "audio_mask": audio_mask,
        },
        call=lambda layer, inputs, **kwargs: layer(
            frames(inputs), mask=masks(inputs), **kwargs
        ),
        frames=frames,
        read_weights=lambda layer: {
            name: weights_of(layer.clusters[name]) for name in clusters
        },
        pool=pool,
        scores=lambda weights, inputs: [
            reference.attention_scores(
                inputs[name],
                units_of(weights[name], clusters[name]),
                masks(inputs)[name],
            )
            for name in sorted(clusters)
        ],
    )


def standardize(frames, mode, dim):
    """Standardizes frames by the first dims of MEAN and DEVIATION."""
    deviation = np.array(DEVIATION[:dim], "float32").astype("float64")
    if mode == "scale":
        deviation = np.sqrt(np.mean(deviation**2))
    return (frames - np.array(MEAN[:dim], "float32")) / deviation


def standardization_case(mode):
    frames, mask = draw_clips(2, num_frames=6, dim=4)

    def make(dtype):
        layer = ac_keras.FrameStandardization(mode, dtype=dtype)
        layer.set_statistics(MEAN[:4], DEVIATION[:4])
        return layer

    def pool(weights, inputs):
        frames = standardize(inputs["frames"], mode, dim=4)
        return np.where(inputs["mask"][..., None], frames, 0.0)

    return LayerCase(
        make=make,
        inputs={"frames": frames, "mask": mask},
        call=lambda layer, inputs: layer(inputs["frames"], mask=inputs["mask"]),
        frames=lambda inputs: inputs["frames"],
        read_weights=weights_of,
        pool=pool,
    )


def classifier_case(multi_label, mode=None):
    counts = {"rgb": [6, 2, 1, 5], "audio": [3, 0, 2, 1]}
    clusters = {"rgb": 3, "audio": 2}
    dims, inputs = {"rgb": 5, "audio": 4}, {}
    for name, length in {"rgb": 6, "audio": 3}.items():
        frames = draw_frames(1, num_frames=length, dim=dims[name])
        for clip, count in zip(frames, counts[name], strict=True):
            clip[count:] = np.nan
        inputs[name] = frames
        inputs[f"{name}_num_frames"] = np.array(counts[name], "int32")

    def make(dtype):
        aggregator = ac_keras.MultimodalCluster(clusters, dtype=dtype)
        model = ac_keras.ClipClassifier(
            dims,
            num_classes=3,
            aggregator=aggregator,
            dropout=0.0,
            multi_label=multi_label,
            standardize=mode,
            dtype=dtype,
        )
        if mode:
            means, deviations = (
                {name: values[:dim] for name, dim in dims.items()}
                for values in (MEAN, DEVIATION)
            )
            model.set_statistics(means, deviations)
        return model

    def pool(weights, inputs):
        mask = {
            name: np.arange(inputs[name].shape[1])
            < inputs[f"{name}_num_frames"][:, None]
            for name in clusters
        }
        frames = {name: inputs[name] for name in clusters}
        if mode:
            frames = {
                name: standardize(frames[name], mode, dims[name])
                for name in clusters
            }
        features = pool_modalities(weights, frames, mask, clusters)
        classifier = weights["classifier"]
        logits = features @ classifier["kernel"] + classifier["bias"]
        if multi_label:
            return 1 / (1 + np.exp(-logits))
        return np.stack([reference.softmax(row) for row in logits])

    return LayerCase(
        make=make,
        inputs=inputs,
        call=lambda layer, inputs: layer(inputs),
        frames=lambda inputs: inputs,
        read_weights=lambda model: {
            **{
                name: weights_of(cluster)
                for name, cluster in model.aggregator.clusters.items()
            },
            "classifier": weights_of(model.classifier),
        },
        pool=pool,
        dtype="float32",
    )


def mask_case():
    def pool(weights, inputs):
        length = inputs["frames"].shape[1]
        return np.array(
            [[i < count for i in range(length)] for count in inputs["count"]],
            "float64",
        )

    return LayerCase(
        make=lambda dtype: ac_keras.FrameMask(dtype=dtype),
        inputs={
            "frames": draw_frames(1, num_frames=6),
            "count": np.array([0, 6, 2, 9], "int32"),
        },
        call=lambda layer, inputs: layer(inputs["frames"], inputs["count"]),
        frames=lambda inputs: inputs["frames"],
        read_weights=weights_of,
        pool=pool,
        dtype="bool",
    )


def cluster_cases():
    for cluster in (ac_keras.AttentionCluster, ac_keras.ShiftingCluster):
        for weighting in ("average", "fc1", "fc2"):

            def make(dtype, cluster=cluster, weighting=weighting):
                return cluster(3, weighting, hidden_units=4, dtype=dtype)

            yield f"{cluster.__name__} {weighting}", cluster_case(make)


CASES = {
    **dict(cluster_cases()),
    "AttentionUnit fc1": unit_case(
        lambda dtype: ac_keras.AttentionUnit("fc1", dtype=dtype)
    ),
    "AttentionUnit fc2 shift": unit_case(
        lambda dtype: ac_keras.AttentionUnit("fc2", 4, shift=True, dtype=dtype)
    ),
    "MultimodalCluster": multimodal_case({"rgb": 3, "audio": 2}, {}),
    "MultimodalCluster mean": multimodal_case(
        {"rgb": 3, "audio": 2}, {"audio": MEAN[:4]}
    ),
    "FrameMask": mask_case(),
    "ClipClassifier": classifier_case(multi_label=False),
    "ClipClassifier multi-label": classifier_case(multi_label=True),
    "ClipClassifier standardized": classifier_case(False, "feature"),
    "FrameStandardization scale": standardization_case("scale"),
    "FrameStandardization feature": standardization_case("feature"),
}


def make_model(case, layer, call=None):
    """Makes a functional model around one call of the layer."""
    inputs = {
        name: keras.Input(
            (None, *x.shape[2:]) if x.ndim > 1 else (),
            dtype=str(x.dtype),
            name=name,
        )
        for name, x in case.inputs.items()
    }
    return keras.Model(inputs, (call or case.call)(layer, inputs))


def make_full_model(case, layer):
    """Makes a functional model that returns `case.call_fully`."""
    return make_model(case, layer, case.call_fully)


def as_float64(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")).astype(
        "float64"
    )


def largest_error(tensor, expected):
    """Computes the largest absolute difference, or NaN if there is one."""
    tensor = as_float64(tensor)
    if tensor.shape != expected.shape:
        raise AssertionError(f"shape {tensor.shape}, not {expected.shape}")
    return float(np.max(np.abs(tensor - expected)))


def largest_errors(tensors, expected):
    """Computes the largest error over pairs of tensors and arrays."""
    pairs = zip(tensors, expected, strict=True)
    return float(np.max([largest_error(*pair) for pair in pairs]))
