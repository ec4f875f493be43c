"""FrameStandardization; the conformance table has its call."""

import numpy as np
import pytest

from ac_keras import ClipClassifier
from ac_keras import FrameStandardization
from ac_keras import MultimodalCluster
from ac_keras.utils.frame_moments import FrameMoments
from support.layers.random_clips import draw_mask
from support.layers.random_clips import draw_shape


def draw_batches(seed, scale=1.0, offset=0.0):
    """Three batches of frames with unlike features, and masks; NaN behind."""
    rng = np.random.default_rng(seed)
    batch, num_frames, dim = draw_shape(seed)
    deviations = scale * rng.uniform(0.5, 3.0, dim)
    batches = []
    for index in range(3):
        shape = (batch + 1, num_frames + index, dim)
        frames = rng.normal(offset, deviations, shape).astype("float32")
        mask = draw_mask(seed + index, batch + 1, num_frames + index)
        frames[~mask] = np.nan
        batches.append((frames, mask))
    return batches


def kept_frames(batches):
    kept = [frames[mask] for frames, mask in batches]
    return np.concatenate(kept).astype("float64")


@pytest.mark.parametrize("mode", ["scale", "feature"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("seed", range(4))
def test_adapted_frames_have_mean_0_and_mean_square_1(mode, scale, seed):
    batches = draw_batches(seed, scale, offset=10 * scale)
    layer = FrameStandardization(mode)
    layer.adapt(batches)
    outputs = kept_frames(
        [(np.array(layer(frames, mask=mask)), mask) for frames, mask in batches]
    )
    np.testing.assert_allclose(outputs.mean(axis=0), 0, atol=1e-5)
    squares = np.square(outputs).mean(axis=0)
    if mode == "feature":
        np.testing.assert_allclose(squares, 1, rtol=1e-4)
    else:
        np.testing.assert_allclose(squares.mean(), 1, rtol=1e-4)
        variances = kept_frames(batches).var(axis=0)
        np.testing.assert_allclose(
            squares, variances / variances.mean(), rtol=1e-4
        )


@pytest.mark.parametrize("seed", range(4))
def test_moments_are_those_of_numpy_however_they_are_merged(seed):
    batches = draw_batches(seed, offset=100.0)
    frames = kept_frames(batches)
    merged = FrameMoments(frames.shape[1])
    for part, mask in batches:
        moments = FrameMoments(frames.shape[1])
        moments.add(part[mask])
        merged.merge(moments)
    assert merged.count == len(frames)
    np.testing.assert_allclose(merged.mean, frames.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(merged.deviation, frames.std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("mode", ["scale", "feature"])
def test_constant_features_stay_finite(mode):
    frames = np.ones((2, 3, 4), "float32")
    frames[..., 0] = np.arange(6).reshape(2, 3)
    frames[0, 0, 1] += 1e-6  # constant but for rounding: stays small
    layer = FrameStandardization(mode)
    layer.adapt([frames])
    output = np.array(layer(frames))
    assert np.abs(output[..., 1:]).max() < 1e-3
    assert np.abs(output[..., 0]).max() > 1
    layer.adapt([np.ones((2, 3, 4), "float32")])
    np.testing.assert_array_equal(layer(np.ones((1, 1, 4), "float32")), 0)


def test_frames_beyond_float16_are_standardized_under_mixed_precision():
    layer = FrameStandardization()
    frames = np.array([[[1e6], [3e6]]], "float32")
    layer.adapt([frames])
    np.testing.assert_allclose(layer(frames), [[[-1.0], [1.0]]], rtol=1e-6)


@pytest.mark.parametrize("mode", ["scale", "feature"])
def test_a_classifier_adapts_to_all_modalities_of_a_dataset(mode):
    rng = np.random.default_rng(0)
    counts = {"rgb": [4, 1, 2], "audio": [3, 0, 1]}
    inputs = {"rgb": rng.normal(9, 4, (3, 4, 5)), "audio": np.ones((3, 3, 2))}
    inputs["audio"][0] = rng.normal(-3, 0.1, (3, 2))
    for name in counts:
        inputs[f"{name}_num_frames"] = np.array(counts[name], "int32")
        for clip, count in zip(inputs[name], counts[name], strict=True):
            clip[count:] = np.nan
    model = ClipClassifier(
        {"rgb": 5, "audio": 2},
        num_classes=3,
        aggregator=MultimodalCluster({"rgb": 2, "audio": 2}),
        standardize=mode,
    )
    first = {name: x[:2] for name, x in inputs.items()}
    rest = {name: x[2:] for name, x in inputs.items()}
    model.adapt([(first, None), (rest, None)])
    for name in counts:
        mask = (
            np.arange(inputs[name].shape[1])
            < inputs[f"{name}_num_frames"][:, None]
        )
        layer = FrameStandardization(mode)
        layer.adapt([(inputs[name], mask)])
        adapted = model.get_layer(f"{name}_standardization")
        for have, want in zip(
            adapted.get_weights(), layer.get_weights(), strict=True
        ):
            np.testing.assert_allclose(have, want, rtol=1e-6)
    scaled = {
        name: x * 100 + 7 if name in counts else x for name, x in inputs.items()
    }
    again = ClipClassifier.from_config(model.get_config())
    assert again.standardize == mode
    again.adapt([scaled])
    again.aggregator.set_weights(model.aggregator.get_weights())
    again.classifier.set_weights(model.classifier.get_weights())
    np.testing.assert_allclose(again(scaled), model(inputs), atol=1e-5)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: FrameStandardization("unit"), "'scale', 'feature'.*'unit'"),
        (lambda: FrameStandardization().adapt([]), "at least one frame"),
        (
            lambda: FrameStandardization().adapt([np.full((1, 2, 3), np.nan)]),
            "6 values not finite",
        ),
        (
            lambda: FrameStandardization().set_statistics([0, 1], [1]),
            r"\(2,\) and \(1,\)",
        ),
        (
            lambda: ClipClassifier(
                {"rgb": 2}, 2, MultimodalCluster({"rgb": 1})
            ).adapt([]),
            'standardize="scale"',
        ),
        (
            lambda: ClipClassifier(
                {"rgb": 2},
                2,
                MultimodalCluster({"rgb": 1}),
                standardize="scale",
            ).adapt([]),
            "none of 'rgb'",
        ),
    ],
)
def test_an_invalid_argument_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
