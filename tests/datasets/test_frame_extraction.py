"""Features of clips are the frame CNN's, however many clips there are."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.datasets import frame_cnn
from ac_keras.datasets.frame_cnn import make_extractor
from support.datasets.drawn_cnn import draw_cnn
from support.datasets.drawn_cnn import draw_frames
from support.datasets.drawn_cnn import features_of


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch):
    monkeypatch.setattr(frame_cnn, "CLIPS_AT_ONCE", 2)


def draw_clips(count):
    return draw_frames(count * 25).images.reshape(count, 25, 28, 28)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_features_are_the_cnns_units_for_the_frames(count):
    cnn, clips = draw_cnn(), draw_clips(count)
    features = make_extractor(cnn)(clips)
    expected = features_of(cnn, clips.reshape(-1, 28, 28))
    assert features.shape == (count, 25, 50) and features.dtype == np.float32
    assert expected.std() > 0.01
    np.testing.assert_allclose(
        features, expected.reshape(count, 25, 50), atol=1e-6
    )


def test_a_clips_features_are_the_same_bytes_in_any_company():
    extract, clips = make_extractor(draw_cnn()), draw_clips(5)
    assert extract(clips[2:3]).tobytes() == extract(clips)[2:3].tobytes()


def test_the_log_softmax_may_be_taken_of_them():
    cnn, clips = draw_cnn(), draw_clips(2)
    units = features_of(cnn, clips.reshape(-1, 28, 28))
    features = make_extractor(cnn, log_softmax=True)(clips)
    expected = tf.nn.log_softmax(units).numpy().reshape(features.shape)
    np.testing.assert_allclose(features, expected, atol=1e-5)
