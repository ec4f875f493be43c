"""Backbones over the frames of clips, against their sum in NumPy."""

import keras
import numpy as np
import pytest

from ac_keras.layers.framewise import Framewise
from ac_keras.models import segment_network
from ac_keras.models import small_cnn

SHAPE = (16, 16, 2)


def backbone():
    keras.utils.set_random_seed(1)
    return small_cnn(SHAPE, dim=5)


def pixels(*shape):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (*shape, 512)).astype("float32")


def test_each_frame_goes_through_the_network():
    network, frames = backbone(), pixels(3, 4)
    found = keras.ops.convert_to_numpy(Framewise(network)(frames))
    assert found.shape == (3, 4, 5)
    for clip, frame in np.ndindex(3, 4):
        alone = network(frames[clip, frame].reshape(1, *SHAPE))
        alone = keras.ops.convert_to_numpy(alone)
        np.testing.assert_allclose(found[clip, frame], alone[0], atol=1e-5)
    assert np.ptp(found) > 0.1


def test_rows_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"512\).*Received.*\(2, 3, 7\)"):
        Framewise(backbone())(np.zeros((2, 3, 7), "float32"))


def test_a_clips_scores_are_the_mean_over_its_frames():
    network = backbone()
    model = segment_network("rgb", network, 3)
    frames, counts = pixels(2, 4), np.array([4, 2])
    found = model({"rgb": frames, "rgb_num_frames": counts})
    features = keras.ops.convert_to_numpy(
        network(frames.reshape(8, *SHAPE))
    ).astype("float64")
    kernel, bias = (x.numpy() for x in model.get_layer("scores").weights)
    scores = (features @ kernel + bias).reshape(2, 4, 3)
    for clip, count in enumerate(counts):
        logits = scores[clip, :count].mean(axis=0)
        expected = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(found[clip], expected, atol=1e-5)


def test_padding_has_no_influence():
    model = segment_network("rgb", backbone(), 3)
    frames, counts = pixels(2, 4), np.array([4, 2])
    before = model({"rgb": frames, "rgb_num_frames": counts})
    frames[1, 2:] = 0
    after = model({"rgb": frames, "rgb_num_frames": counts})
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_a_saved_network_comes_back_the_same(tmp_path):
    model = segment_network("rgb", backbone(), 3)
    inputs = {"rgb": pixels(2, 4), "rgb_num_frames": np.array([4, 2])}
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(model(inputs), loaded(inputs), atol=1e-6)


def test_pixels_from_0_to_255_become_minus_1_to_1():
    network = small_cnn(SHAPE)
    scaling = network.layers[0]
    assert np.allclose(scaling(np.array([[0.0, 255.0]])), [[-1, 1]])
