"""VGG-16's shape on log-mel patches."""

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones import vgg_audio
from support.error_parts import error_parts
from support.media.gray_pictures import assert_alike


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return vgg_audio.vgg_audio()


def draw_patches():
    patches = np.random.default_rng(0).normal(-2, 2, (2, 96, 64, 1))
    return patches.astype(np.float32) * [[[[1]]], [[[2]]]]


def test_it_is_vgg_16_on_one_channel(network):
    convolutions = [
        x for x in network.layers if isinstance(x, keras.layers.Conv2D)
    ]
    filters = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [x.filters for x in convolutions] == filters
    # Of RGB it has 14,714,688.
    assert network.count_params() == 14_714_688 - 2 * 3 * 3 * 64


def test_a_patch_becomes_512_numbers_by_which_patches_differ(network):
    features = np.asarray(network(draw_patches()))
    assert features.shape == (2, 512) and features.dtype == np.float32
    assert np.abs(features[0] - features[1]).max() > 0.1 * features.max() > 0


def test_weights_are_taken_from_a_file(network, tmp_path):
    network.save_weights(tmp_path / "vgg.weights.h5")
    loaded = vgg_audio.vgg_audio(tmp_path / "vgg.weights.h5")
    assert_alike(loaded(draw_patches()), network(draw_patches()))


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(
        path
    )
    with pytest.raises(
        ValueError, match=error_parts("itself", str(path), "save_weights")
    ):
        vgg_audio.vgg_audio(path)


def test_a_missing_file_is_refused(tmp_path):
    path = tmp_path / "none.weights.h5"
    with pytest.raises(
        ValueError, match=error_parts("itself", str(path), "save_weights")
    ):
        vgg_audio.vgg_audio(path)
