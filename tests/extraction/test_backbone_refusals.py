"""What load_backbone says where it cannot load."""

import keras
import pytest

from ac_keras.extraction.backbones import loading
from support.error_parts import error_parts

SIZE = 32


@pytest.mark.parametrize(
    ("source", "near"),
    [
        ("resnet_152", "Near it are ResNet152"),
        ("inception-resnet-v2", "Near it are InceptionResNetV2"),
        ("xyz", "The names are ConvNeXtBase, "),
        ("runs/model.h5", "The names are"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(source, near):
    with pytest.raises(
        ValueError, match=error_parts("keras.applications", source, near)
    ):
        loading.load_backbone(source, size=SIZE)


@pytest.mark.parametrize("weights", [None, "imagenet"])
def test_a_size_too_small_is_answered_as_keras_does(weights):
    with pytest.raises(
        ValueError, match=error_parts("can build", "at least 32x32", "a size")
    ):
        loading.load_backbone("VGG16", size=31, weights=weights)


def test_weights_that_are_no_file_are_refused(tmp_path):
    path = tmp_path / "none.h5"
    with pytest.raises(
        ValueError, match=error_parts("or a file", str(path), "Give the path")
    ):
        loading.load_backbone("VGG16", size=SIZE, weights=path)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save_weights(
        path
    )
    with pytest.raises(
        ValueError, match=error_parts("its weights", str(path), "weights of")
    ):
        loading.load_backbone("MobileNet", size=SIZE, weights=path)


def test_a_download_that_fails_is_answered_with_a_way_around(monkeypatch):
    def fail(**settings):
        raise Exception("URL fetch failure on https://example.org/x.h5")

    fail.__module__ = keras.applications.MobileNet.__module__
    monkeypatch.setattr(keras.applications, "MobileNet", fail)
    with pytest.raises(
        ValueError,
        match=error_parts("weights", "URL fetch failure", "give its path"),
    ):
        loading.load_backbone("MobileNet", size=SIZE)


@pytest.mark.parametrize("name", ["size", "channels"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "32"])
def test_sizes_and_channels_are_counted_from_1(name, value):
    settings = {"size": SIZE, "weights": None, name: value}
    with pytest.raises(
        ValueError, match=error_parts(f"{name} to be", repr(value), "Give")
    ):
        loading.load_backbone("MobileNet", **settings)
