"""Half precision, and the size of every tensor, in clusters."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster
from support.conformance.layer_cases import as_float64
from support.layers import reference
from support.layers.random_clips import build_randomly
from support.layers.random_clips import draw_frames

BATCH, NUM_FRAMES, NUM_UNITS, DIM = 3, 5, 7, 11  # Primes, to be recognised.
FORBIDDEN = BATCH * NUM_FRAMES * NUM_UNITS * DIM
HALVES = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
each_half = pytest.mark.parametrize("dtype", HALVES)
each_weighting = pytest.mark.parametrize("weighting", ["average", "fc1", "fc2"])
each_class = pytest.mark.parametrize(
    "make", [AttentionCluster, ShiftingCluster]
)


@pytest.mark.parametrize("dtype", ["float32", *HALVES])
@each_weighting
@each_class
def test_large_features_of_large_dim_stay_finite(make, weighting, dtype):
    frames = 1e3 * draw_frames(2, num_frames=16, dim=2048)
    layer = make(3, weighting, dtype=dtype)
    pooled = as_float64(layer(frames))
    assert np.isfinite(pooled).all()
    assert np.abs(pooled).max() > 0.01


@each_half
@pytest.mark.parametrize("size", [1e-2, 1e3])
def test_norms_are_right_where_their_squares_leave_the_dtype(dtype, size):
    frames = size * draw_frames(3, dim=2048)
    pooled = as_float64(ShiftingCluster(4, "average", dtype=dtype)(frames))
    norms = np.linalg.norm(pooled.reshape(4, 4, -1), axis=-1)
    np.testing.assert_allclose(norms, np.full((4, 4), 0.5), rtol=1e-2)


@each_half
def test_the_softmax_sums_more_frames_than_the_dtype_counts(dtype):
    frames = np.ones((1, 5000, 2), "float32")
    layer = AttentionCluster(1, "average", dtype=dtype)
    pooled, scores = layer(frames, return_attention_scores=True)
    np.testing.assert_allclose(as_float64(scores), 1 / 5000, rtol=4e-3)
    np.testing.assert_allclose(as_float64(pooled), 1, rtol=8e-3)


@each_half
@each_class
def test_the_softmax_is_taken_in_float32(make, dtype):
    layer = build_randomly(make(3, dtype=dtype), seed=0, dim=8)
    call = tf.function(layer).get_concrete_function(draw_frames(3, dim=8))
    powers = [x for x in call.graph.get_operations() if x.type == "Exp"]
    assert [x.outputs[0].dtype for x in powers] == [tf.float32]


@each_half
def test_alpha_may_be_larger_than_float16_holds(dtype):
    layer = ShiftingCluster(3, "average", dtype=dtype)
    layer.build((None, None, 8))
    layer.alpha.assign(np.full(3, 1e6))
    layer.beta.assign(np.full(3, 5e5))
    frames = draw_frames(4, dim=8)
    expected = reference.pool(
        as_float64(keras.ops.cast(frames, layer.compute_dtype)),
        [{"alpha": 1e6, "beta": 5e5} for _ in range(3)],
    )
    np.testing.assert_allclose(as_float64(layer(frames)), expected, atol=8e-3)


class NaiveCluster(AttentionCluster):
    """Weighs every frame for every unit before it sums."""

    def call(self, frames):
        scores = tf.nn.softmax(self._logits(frames), axis=1)
        weighted = scores[:, :, :, None] * frames[:, :, None, :]
        return tf.reshape(tf.reduce_sum(weighted, axis=1), (BATCH, -1))


def trace_training_step(layer):
    """The graph of a forward and a backward pass."""
    frames = tf.TensorSpec((BATCH, NUM_FRAMES, DIM))
    layer.build(frames.shape)

    @tf.function
    def step(frames, mask):
        with tf.GradientTape() as tape:
            tape.watch(frames)
            kwargs = {} if isinstance(layer, NaiveCluster) else {"mask": mask}
            loss = tf.reduce_sum(tf.square(layer(frames, **kwargs)))
        weights = [w.value for w in layer.trainable_weights]
        return tape.gradient(loss, [frames, *weights])

    mask = tf.TensorSpec((BATCH, NUM_FRAMES), tf.bool)
    return step.get_concrete_function(frames, mask).graph


def tensors_of(graph):
    assert not graph.as_graph_def().library.function  # All is in this graph.
    for operation in graph.get_operations():
        yield from operation.outputs


def forbidden_tensors(graph):
    return [
        tensor
        for tensor in tensors_of(graph)
        if tensor.shape.is_fully_defined()
        and math.prod(tensor.shape) % FORBIDDEN == 0
        and math.prod(tensor.shape) > 0
    ]


@each_class
@each_weighting
def test_no_tensor_has_an_element_a_frame_unit_and_dim(make, weighting):
    graph = trace_training_step(make(NUM_UNITS, weighting, hidden_units=2))
    assert forbidden_tensors(graph) == []
    unknown = [
        tensor
        for tensor in tensors_of(graph)
        if not tensor.shape.is_fully_defined() and tensor.dtype.is_floating
    ]
    assert unknown == []  # No large tensor hides behind an unknown shape.


def test_such_a_tensor_would_be_seen():
    graph = trace_training_step(NaiveCluster(NUM_UNITS))
    assert len(forbidden_tensors(graph)) >= 2  # Forward and backward.


def test_a_unit_is_as_sparing():
    graph = trace_training_step(AttentionUnit("fc1"))
    largest = max(
        math.prod(tensor.shape)
        for tensor in tensors_of(graph)
        if tensor.shape.is_fully_defined()
    )
    assert largest == BATCH * NUM_FRAMES * DIM
