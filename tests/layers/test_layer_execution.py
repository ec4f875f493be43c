"""Eager, symbolic, graph and XLA calls are all the same function."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import MultimodalCluster
from ac_keras import ShiftingCluster
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames
from support.layers.random_clips import draw_mask
from support.layers.random_clips import randomize

LAYERS = {
    "average": lambda: AttentionCluster(3, "average"),
    "fc1": lambda: AttentionCluster(3, "fc1"),
    "fc2": lambda: AttentionCluster(3, "fc2", hidden_units=4),
    "shift-fc1": lambda: ShiftingCluster(3, "fc1"),
    "shift-fc2": lambda: ShiftingCluster(3, "fc2", hidden_units=4),
    "unit": lambda: AttentionUnit("fc2", hidden_units=4, shift=True),
}
each_layer = pytest.mark.parametrize("case", LAYERS)


def make_layer(case):
    return build_randomly(LAYERS[case](), seed=0)


def draw_inputs():
    frames, mask = draw_frames(1), draw_mask(1)
    mask[2] = False
    frames[~mask] = np.nan
    return frames, mask


def assert_same(outputs, expected):
    for output, target in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output, target, atol=1e-6)
        assert np.abs(target).max() > 0.1


@each_layer
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_function_agrees_with_eager(case, jit_compile):
    layer, (frames, mask) = make_layer(case), draw_inputs()

    @tf.function(jit_compile=jit_compile)
    def call(frames, mask):
        return layer(frames, mask=mask, return_attention_scores=True)

    expected = layer(frames, mask=mask, return_attention_scores=True)
    assert_same(call(frames, mask), expected)


@each_layer
def test_a_function_of_unknown_shapes_agrees_with_eager(case):
    layer, (frames, mask) = make_layer(case), draw_inputs()

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, 5)),
            tf.TensorSpec((None, None), tf.bool),
        ]
    )
    def call(frames, mask):
        return layer(frames, mask=mask, return_attention_scores=True)

    expected = layer(frames, mask=mask, return_attention_scores=True)
    assert_same(call(frames, mask), expected)


@each_layer
def test_a_functional_model_agrees_with_eager(case):
    layer, (frames, mask) = make_layer(case), draw_inputs()
    inputs = keras.Input((None, 5)), keras.Input((None,), dtype="bool")
    outputs = layer(inputs[0], mask=inputs[1], return_attention_scores=True)
    model = keras.Model(inputs, outputs)
    expected = layer(frames, mask=mask, return_attention_scores=True)
    assert_same(model((frames, mask)), expected)


@each_layer
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_the_symbolic_outputs_have_the_real_shapes_and_dtypes(
    case, scores, dtype
):
    config = {**LAYERS[case]().get_config(), "dtype": dtype}
    layer = type(LAYERS[case]()).from_config(config)
    asked = {"return_attention_scores": True} if scores else {}
    real = layer(draw_frames(1), **asked)
    symbolic = layer(keras.Input((6, 5), batch_size=4), **asked)
    outputs = tf.nest.flatten(symbolic), tf.nest.flatten(real)
    for have, want in zip(*outputs, strict=True):
        assert have.shape == tuple(want.shape)
        assert have.dtype == keras.backend.standardize_dtype(want.dtype)


@each_layer
def test_unknown_dimensions_stay_unknown(case):
    layer = LAYERS[case]()
    frames = keras.Input((None, 5))
    pooled, scores = layer(frames, return_attention_scores=True)
    assert pooled.shape[0] is None and pooled.shape[1] % 5 == 0
    assert (scores.shape[0], scores.shape[-1]) == (None, None)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_compiled_multimodal_cluster_agrees_with_eager(jit_compile):
    layer = MultimodalCluster(
        {"rgb": 3, "audio": AttentionCluster(2, "fc2", hidden_units=4)},
        mean_features={"audio": [1.0, 2.0, 3.0, 4.0, 5.0]},
    )
    (rgb, rgb_mask), (audio, audio_mask) = draw_inputs(), draw_inputs()
    frames = {"rgb": rgb, "audio": audio}
    mask = {"rgb": rgb_mask, "audio": audio_mask}
    layer(frames, mask=mask)
    randomize(layer, seed=0)

    @tf.function(jit_compile=jit_compile)
    def call(frames, mask):
        return layer(frames, mask=mask)

    assert_same([call(frames, mask)], [layer(frames, mask=mask)])


def test_a_functional_multimodal_cluster_agrees_with_eager():
    layer = MultimodalCluster({"rgb": 3, "audio": 2})
    frames = {"rgb": draw_frames(1), "audio": draw_frames(2, dim=4)}
    inputs = {
        name: keras.Input((None, x.shape[-1]), name=name)
        for name, x in frames.items()
    }
    outputs = layer(inputs, return_attention_scores=True)
    pooled, scores = keras.Model(inputs, outputs)(frames)
    expected, expected_scores = layer(frames, return_attention_scores=True)
    assert_same([pooled], [expected])
    for name in frames:
        assert_same([scores[name]], [expected_scores[name]])
