"""The frame CNN: its products, training and features, against Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import models
from ac_keras.datasets import Digits
from ac_keras.datasets import frame_cnn
from ac_keras.datasets.frame_cnn import frame_accuracy
from ac_keras.datasets.frame_cnn import frame_features
from ac_keras.datasets.frame_cnn import frame_logits
from ac_keras.datasets.frame_cnn import make_extractor
from ac_keras.datasets.frame_cnn import train_frame_cnn

each_size = pytest.mark.parametrize(
    "sizes", [{}, {"num_classes": 3, "dim": 7}], ids=["papers", "small"]
)


def draw_cnn(seed=0, **kwargs):
    """A CNN whose biases are not zero either."""
    keras.utils.set_random_seed(seed)
    cnn = models.frame_cnn(**kwargs)
    rng = np.random.default_rng(seed)
    for bias in cnn.weights[1::2]:
        bias.assign(rng.normal(scale=0.05, size=bias.shape))
    return cnn


def draw_frames(count, num_classes=11, seed=0):
    """Frames with labels, dark for the most part."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    images[rng.random(images.shape) < 0.7] = 0
    return Digits(images, rng.integers(0, num_classes, count, np.uint8))


def pixels_of(images):
    """Returns the input of Keras's CNN, float32 `(count, 28, 28, 1)`."""
    return images[..., None].astype("float32") / 255


def features_of(cnn, images):
    """The features by Keras's own layers."""
    units = keras.Model(cnn.inputs[0], cnn.get_layer("features").output)
    return units(pixels_of(images)).numpy()


def weights_of(cnn):
    return [tf.constant(weight.numpy()) for weight in cnn.weights]


@each_size
@pytest.mark.parametrize("brightness", [0, 1])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_features_are_those_of_keras(sizes, brightness, jit_compile):
    cnn, images = draw_cnn(**sizes), draw_frames(20).images * brightness
    expected = features_of(cnn, images)
    assert expected.max() > (0.1 if brightness else 1e-3)
    assert (expected > 0).mean() > 0.2
    compute = frame_features
    if jit_compile:
        compute = tf.function(frame_features, jit_compile=True)
    features = compute(weights_of(cnn), images)
    np.testing.assert_allclose(features, expected, atol=1e-6)


@each_size
def test_logits_give_the_probabilities_of_keras(sizes):
    cnn, images = draw_cnn(**sizes), draw_frames(20).images
    probabilities = tf.nn.softmax(frame_logits(weights_of(cnn), images))
    expected = cnn(pixels_of(images)).numpy()
    assert expected.std(axis=0).min() > 1e-3
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_gradients_are_those_of_keras():
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
    expected = tape.gradient(loss, [x.value for x in cnn.weights])
    assert len(found) == 8
    for one, two in zip(found, expected, strict=True):
        scale = np.abs(two).max()
        assert scale > 0.01 and one.shape == two.shape
        np.testing.assert_allclose(one, two, atol=1e-5 * scale)


# Of batches of 16 the last has 8; it falls into a call of its own.
FRAMES = draw_frames(88)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    monkeypatch.setattr(frame_cnn, "STEPS_AT_ONCE", 3)
    monkeypatch.setattr(frame_cnn, "CLIPS_AT_ONCE", 2)


def train(optimizer, frames=FRAMES, num_epochs=1, seed=0):
    """Trains a CNN of known first weights."""
    cnn, rng = draw_cnn(), np.random.default_rng(seed)
    found = train_frame_cnn(cnn, frames, optimizer, 16, num_epochs, rng)
    return cnn, list(found)


def momentum(learning_rate=0.05):
    return keras.optimizers.SGD(learning_rate, momentum=0.9)


def fit(optimizer, frames):
    cnn = draw_cnn()
    cnn.compile(optimizer, "sparse_categorical_crossentropy")
    pixels = pixels_of(frames.images)
    cnn.fit(pixels, frames.labels, batch_size=16, shuffle=False, verbose=0)
    return cnn


def moved(cnn, other):
    """The largest change of each weight."""
    pairs = zip(cnn.get_weights(), other.get_weights(), strict=True)
    return np.array([np.abs(x - y).max() for x, y in pairs])


@pytest.mark.parametrize(
    "learning_rate", [0.05, keras.optimizers.schedules.CosineDecay(0.05, 6)]
)
def test_an_epoch_gives_the_weights_that_fit_gives(learning_rate):
    trained, _ = train(momentum(learning_rate))
    expected = fit(momentum(learning_rate), FRAMES)
    assert moved(trained, expected).max() < 1e-5
    assert moved(expected, draw_cnn()).min() > 1e-3
    other, _ = train(momentum(0.04))
    assert moved(trained, other).max() > 1e-3


def test_an_epoch_tells_mean_loss_and_accuracy():
    cnn, (found,) = train(momentum(0.0))
    probabilities = cnn(pixels_of(FRAMES.images)).numpy()
    named = probabilities[np.arange(88), FRAMES.labels]
    assert found["loss"] == pytest.approx(-np.log(named).mean(), rel=1e-5)
    right = np.argmax(probabilities, axis=1) == FRAMES.labels
    assert right.any()
    assert found["accuracy"] == pytest.approx(right.mean())


def test_the_loss_falls_over_epochs():
    _, found = train(keras.optimizers.Adam(2e-3), num_epochs=25)
    assert len(found) == 25
    assert found[-1]["loss"] < 0.7 * found[0]["loss"]


def test_epochs_but_the_first_have_an_order_by_the_rng():
    first, again, other = (
        train(momentum(), num_epochs=2, seed=seed)[0] for seed in (0, 0, 1)
    )
    assert moved(first, again).max() == 0
    assert moved(first, other).max() > 1e-4


def test_accuracy_is_the_share_of_frames_named_rightly():
    cnn, images = draw_cnn(), draw_frames(1500).images
    labels = np.argmax(cnn(pixels_of(images)), axis=1).astype(np.uint8)
    assert frame_accuracy(cnn, Digits(images, labels)) == 1
    labels[:150] = (labels[:150] + 1) % 11
    assert frame_accuracy(cnn, Digits(images, labels)) == 0.9


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("log_softmax", [False, True])
def test_features_are_the_cnns_units_for_the_frames(count, log_softmax):
    cnn, images = draw_cnn(), draw_frames(count * 25).images
    clips = images.reshape(count, 25, 28, 28)
    extract = make_extractor(cnn, log_softmax=log_softmax)
    features, expected = extract(clips), features_of(cnn, images)
    assert features.shape == (count, 25, 50) and features.dtype == np.float32
    assert expected.std() > 0.01
    if log_softmax:
        expected = tf.nn.log_softmax(expected).numpy()
    expected = expected.reshape(features.shape)
    atol = 1e-5 if log_softmax else 1e-6
    np.testing.assert_allclose(features, expected, atol=atol)
    # The same bytes in any company.
    assert extract(clips[-1:]).tobytes() == features[-1:].tobytes()
