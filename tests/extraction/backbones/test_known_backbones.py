"""Backbones saved with a dataset, and VGG-16 for audio."""

import os
import shutil

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones import vgg_audio
from ac_keras.extraction.backbones.dataset_backbones import backbone_path
from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from ac_keras.extraction.backbones.loading import load_backbone
from support.error_parts import rejects
from support.media.extracted_media import PLAN
from support.media.extracted_media import describe
from support.media.extracted_media import make_backbones
from support.media.gray_images import assert_alike


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A dataset's folder, which has backbones, and its description."""
    folder = tmp_path_factory.mktemp("kept")
    return folder, describe(make_backbones(folder))


def test_those_of_the_dataset_are_loaded(kept):
    backbones = load_known_backbones(*kept, PLAN)
    inputs = np.ones((2, 96, 64, 1), np.float32)
    model = keras.models.load_model(backbone_path(kept[0], "audio"))
    np.testing.assert_allclose(
        backbones.features("audio", inputs), model(inputs), atol=1e-5
    )
    pixels = np.ones((2, 4, 4, 3), np.uint8)
    assert backbones.features("rgb", pixels).shape == (2, 48)


def exchange(path):
    backbone = keras.models.load_model(path)
    backbone.set_weights([1.5 * x for x in backbone.get_weights()])
    backbone.save(path)


@pytest.mark.parametrize(
    "spoil, found",
    [
        (os.remove, "flow.keras, no file"),
        (exchange, "flow.keras, another network or other weights"),
        (lambda path: os.truncate(path, 1000), "backbones, .+"),
        (
            lambda path: shutil.copy(path, path.with_name("rgb.keras")),
            "rgb.keras, a file although inputs are stored as features",
        ),
    ],
)
def test_others_are_rejected(spoil, found, kept, tmp_path):
    shutil.copytree(kept[0], tmp_path, dirs_exist_ok=True)
    spoil(tmp_path / "backbones" / "flow.keras")
    parts = [
        "Expected the backbone that small was extracted with",
        f"Received: .*{found}",
        "Copy the folder backbones",
    ]
    with pytest.raises(ValueError, match=r"\. ".join(parts)):
        load_known_backbones(tmp_path, kept[1], PLAN)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return vgg_audio.vgg_audio()


PATCHES = np.random.default_rng(0).normal(-2, 2, (2, 96, 64, 1))
PATCHES = PATCHES.astype(np.float32) * [[[[1]]], [[[2]]]]


def test_it_is_vgg_16_on_one_channel_with_512_features(network):
    convolutions = [
        x for x in network.layers if isinstance(x, keras.layers.Conv2D)
    ]
    filters = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [x.filters for x in convolutions] == filters
    # Of RGB it has 14,714,688.
    assert network.count_params() == 14_714_688 - 2 * 3 * 3 * 64
    features = np.asarray(network(PATCHES))
    assert features.shape == (2, 512) and features.dtype == np.float32
    assert np.abs(features[0] - features[1]).max() > 0.1 * features.max() > 0


def test_weights_are_taken_from_a_file(network, tmp_path):
    network.save_weights(tmp_path / "vgg.weights.h5")
    loaded = vgg_audio.vgg_audio(tmp_path / "vgg.weights.h5")
    assert_alike(loaded(PATCHES), network(PATCHES))


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_or_none_are_rejected(tmp_path):
    path = tmp_path / "some.weights.h5"
    with rejects("of its own", str(path), "save_weights"):
        vgg_audio.vgg_audio(path)
    with rejects("or a file", str(path), "Pass a weights"):
        load_backbone("MobileNet", size=32, weights=path)
    another = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    another.save_weights(path)
    with rejects("of its own", str(path), "save_weights"):
        vgg_audio.vgg_audio(path)
    with rejects("its weights", str(path), "weights of"):
        load_backbone("MobileNet", size=32, weights=path)
