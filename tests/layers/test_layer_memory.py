"""Nothing of size batch * num_frames * num_units * dim is ever formed."""

import math

import pytest
import tensorflow as tf

from ac_keras import AttentionCluster
from ac_keras import AttentionUnit
from ac_keras import ShiftingCluster

BATCH, NUM_FRAMES, NUM_UNITS, DIM = 3, 5, 7, 11  # Primes, to be recognised.
FORBIDDEN = BATCH * NUM_FRAMES * NUM_UNITS * DIM
HIDDEN_UNITS = 2


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


@pytest.mark.parametrize("cluster", [AttentionCluster, ShiftingCluster])
@pytest.mark.parametrize("weighting", ["average", "fc1", "fc2"])
def test_no_tensor_has_an_element_a_frame_unit_and_dim(cluster, weighting):
    graph = trace_training_step(cluster(NUM_UNITS, weighting, HIDDEN_UNITS))
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
