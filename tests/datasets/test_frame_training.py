"""The compiled loop trains the frame CNN as Keras's `fit` does."""

import keras
import numpy as np
import pytest

from ac_keras.datasets import Digits
from ac_keras.datasets import frame_cnn
from ac_keras.datasets.frame_cnn import frame_accuracy
from ac_keras.datasets.frame_cnn import train_frame_cnn
from support.datasets.drawn_cnn import draw_cnn
from support.datasets.drawn_cnn import draw_frames
from support.datasets.drawn_cnn import pixels_of

# Of batches of 16 the last has 8; it falls into a call of its own.
FRAMES = draw_frames(88)


@pytest.fixture(autouse=True)
def few_steps_at_once(monkeypatch):
    monkeypatch.setattr(frame_cnn, "STEPS_AT_ONCE", 3)


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


def test_an_epoch_gives_the_weights_that_fit_gives():
    trained, _ = train(momentum())
    expected = fit(momentum(), FRAMES)
    assert moved(expected, draw_cnn()).min() > 1e-3
    assert moved(trained, expected).max() < 1e-5


def test_the_learning_rate_may_fall_from_step_to_step():
    falling = keras.optimizers.schedules.CosineDecay(0.05, 6)
    trained, _ = train(momentum(falling))
    assert moved(trained, fit(momentum(falling), FRAMES)).max() < 1e-5
    assert moved(trained, train(momentum())[0]).max() > 1e-3


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
