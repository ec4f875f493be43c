"""The frame CNN as products computes what Keras's layers compute."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.datasets.frame_cnn import frame_features
from ac_keras.datasets.frame_cnn import frame_logits
from support.datasets.drawn_cnn import draw_cnn
from support.datasets.drawn_cnn import draw_frames
from support.datasets.drawn_cnn import features_of
from support.datasets.drawn_cnn import pixels_of

each_size = pytest.mark.parametrize(
    "sizes", [{}, {"num_classes": 3, "dim": 7}], ids=["papers", "small"]
)


def weights_of(cnn):
    return [tf.constant(weight.numpy()) for weight in cnn.weights]


@each_size
def test_features_are_those_of_keras(sizes):
    cnn, images = draw_cnn(**sizes), draw_frames(20).images
    expected = features_of(cnn, images)
    assert expected.max() > 0.1 and (expected > 0).mean() > 0.2
    features = frame_features(weights_of(cnn), images)
    np.testing.assert_allclose(features, expected, atol=1e-6)


@each_size
def test_logits_give_the_probabilities_of_keras(sizes):
    cnn, images = draw_cnn(**sizes), draw_frames(20).images
    probabilities = tf.nn.softmax(frame_logits(weights_of(cnn), images))
    expected = cnn(pixels_of(images)).numpy()
    assert expected.std(axis=0).min() > 1e-3
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_black_frames_are_frames_too():
    cnn, images = draw_cnn(), np.zeros((2, 28, 28), np.uint8)
    expected = features_of(cnn, images)
    assert expected.max() > 1e-3
    features = frame_features(weights_of(cnn), images)
    np.testing.assert_allclose(features, expected, atol=1e-6)


@pytest.fixture(scope="module")
def gradients():
    """Of each weight: by products and by Keras's layers."""
    cnn, frames = draw_cnn(), draw_frames(20)
    labels = frames.labels.astype("int32")
    weights = weights_of(cnn)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits = frame_logits(weights, frames.images)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    found = tape.gradient(loss, weights)
    with tf.GradientTape() as tape:
        named = tf.gather(cnn(pixels_of(frames.images)), labels, batch_dims=1)
        loss = -tf.math.log(named)
    return found, tape.gradient(loss, [x.value for x in cnn.weights])


@pytest.mark.parametrize("number", range(8))
def test_gradients_are_those_of_keras(gradients, number):
    found, expected = (x[number].numpy() for x in gradients)
    scale = np.abs(expected).max()
    assert scale > 0.01 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5 * scale)


def test_xla_computes_the_same():
    weights, images = weights_of(draw_cnn()), draw_frames(20).images
    compiled = tf.function(frame_features, jit_compile=True)
    expected = frame_features(weights, images)
    np.testing.assert_allclose(compiled(weights, images), expected, atol=1e-6)
