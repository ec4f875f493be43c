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


def test_a_clips_scores_are_the_mean_over_its_frames(tmp_path):
    network = backbone()
    model = segment_network("rgb", network, 3)
    frames, counts = pixels(2, 4), np.array([4, 2])
    features = keras.ops.convert_to_numpy(
        network(frames.reshape(8, *SHAPE))
    ).astype("float64")
    kernel, bias = (x.numpy() for x in model.get_layer("scores").weights)
    scores = (features @ kernel + bias).reshape(2, 4, 3)
    logits = np.stack([scores[0].mean(0), scores[1, :2].mean(0)])
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found = []
    for padding in (frames[1, 2:].copy(), 0):
        frames[1, 2:] = padding
        inputs = {"rgb": frames, "rgb_num_frames": counts}
        found += [model(inputs), loaded(inputs)]
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    for same in found[1:]:
        np.testing.assert_allclose(same, found[0], atol=1e-6)


def test_pixels_from_0_to_255_become_minus_1_to_1():
    network = small_cnn(SHAPE)
    scaling = network.layers[0]
    assert np.allclose(scaling(np.array([[0.0, 255.0]])), [[-1, 1]])
