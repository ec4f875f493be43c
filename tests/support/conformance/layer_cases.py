"""Every layer of ac_keras, listed once: its making, input and reference."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

import ac_keras
from support.layers import reference
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import randomize
from support.layers.unit_weights import units_of
from support.layers.unit_weights import weights_of

MEAN = (0.5, -1.0, 2.0, 0.25)


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
    """

    make: Callable
    inputs: dict
    call: Callable
    frames: Callable
    read_weights: Callable
    pool: Callable

    def make_randomly(self, dtype="float32"):
        """A built layer with random weights, always the same ones."""
        layer = self.make(dtype)
        self.call(layer, self.inputs)
        return randomize(layer, seed=0)


def draw_clips(seed, num_frames, dim):
    """Clips with padding that holds NaN; the second has no frame at all."""
    frames = draw_frames(seed, num_frames=num_frames, dim=dim)
    mask = draw_mask(seed, num_frames=num_frames)
    mask[1] = False
    frames[~mask] = np.nan
    return frames, mask


def cluster_case(make):
    frames, mask = draw_clips(1, num_frames=6, dim=5)

    def pool(weights, inputs):
        units = units_of(weights, make("float32").num_units)
        return reference.pool(inputs["frames"], units, inputs["mask"])

    return LayerCase(
        make=make,
        inputs={"frames": frames, "mask": mask},
        call=lambda layer, inputs: layer(inputs["frames"], mask=inputs["mask"]),
        frames=lambda inputs: inputs["frames"],
        read_weights=weights_of,
        pool=pool,
    )


def unit_case(make):
    def pool(weights, inputs):
        units = units_of(weights, 1)
        return reference.pool(inputs["frames"], units, inputs["mask"])

    return dataclasses.replace(cluster_case(make), pool=pool)


def multimodal_case(clusters, mean_features):
    rgb, rgb_mask = draw_clips(1, num_frames=6, dim=5)
    audio, audio_mask = draw_clips(2, num_frames=3, dim=4)

    def make(dtype):
        return ac_keras.MultimodalCluster(
            clusters, mean_features=mean_features, dtype=dtype
        )

    def masks(inputs):
        return {"rgb": inputs["rgb_mask"], "audio": inputs["audio_mask"]}

    def frames(inputs):
        return {"audio": inputs["audio"], "rgb": inputs["rgb"]}

    def pool(weights, inputs):
        pooled = []
        for name, num_units in clusters.items():
            clips, mask = inputs[name].copy(), masks(inputs)[name].copy()
            for clip, keep in zip(clips, mask, strict=True):
                if not keep.any() and name in mean_features:
                    clip[0], keep[0] = mean_features[name], True
            units = units_of(weights[name], num_units)
            pooled.append(reference.pool(clips, units, mask))
        return np.concatenate(pooled, axis=1)

    return LayerCase(
        make=make,
        inputs={
            "rgb": rgb,
            "audio": audio,
            "rgb_mask": rgb_mask,
            "audio_mask": audio_mask,
        },
        call=lambda layer, inputs: layer(frames(inputs), mask=masks(inputs)),
        frames=frames,
        read_weights=lambda layer: {
            name: weights_of(layer.clusters[name]) for name in clusters
        },
        pool=pool,
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
        {"rgb": 3, "audio": 2}, {"audio": MEAN}
    ),
    "FrameMask": mask_case(),
}


def symbolic_inputs(case):
    """Keras inputs for a case's arrays; batch and lengths are unknown."""
    return {
        name: keras.Input(
            (None, *x.shape[2:]) if x.ndim > 1 else (),
            dtype=str(x.dtype),
            name=name,
        )
        for name, x in case.inputs.items()
    }


def make_model(case, layer):
    """A functional model around one call of the layer."""
    inputs = symbolic_inputs(case)
    return keras.Model(inputs, case.call(layer, inputs))


def as_float64(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")).astype(
        "float64"
    )


def largest_error(tensor, expected):
    """The largest absolute difference; NaN wherever there is one."""
    tensor = as_float64(tensor)
    if tensor.shape != expected.shape:
        raise AssertionError(f"shape {tensor.shape}, not {expected.shape}")
    return float(np.max(np.abs(tensor - expected)))
