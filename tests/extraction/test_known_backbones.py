"""Backbones are those that a dataset was extracted with, or an error."""

import shutil

import keras
import numpy as np
import pytest

from ac_keras.extraction.backbones import dataset_backbones
from ac_keras.extraction.backbones.dataset_backbones import backbone_path
from ac_keras.extraction.backbones.dataset_backbones import load_known_backbones
from support.media.extracted_media import CHOICES
from support.media.extracted_media import describe
from support.media.extraction_jobs import PLAN


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A dataset's folder, which has backbones, and its description."""
    folder = tmp_path_factory.mktemp("kept")
    backbones = {
        name: dataset_backbones.make_backbone(name, PLAN.modalities[name], x)
        for name, x in CHOICES.items()
    }
    for name in ("flow", "audio"):
        dataset_backbones.save_backbone(folder, name, backbones[name])
    return folder, describe(backbones)


def test_those_of_the_dataset_are_loaded(kept):
    backbones = load_known_backbones(*kept, PLAN)
    inputs = np.ones((2, 96, 64, 1), np.float32)
    model = keras.models.load_model(backbone_path(kept[0], "audio"))
    np.testing.assert_allclose(
        backbones.features("audio", inputs), model(inputs), atol=1e-5
    )
    pixels = np.ones((2, 4, 4, 3), np.uint8)
    assert backbones.features("rgb", pixels).shape == (2, 48)


def remove(folder):
    (folder / "flow.keras").unlink()


def exchange(folder):
    backbone = keras.models.load_model(folder / "flow.keras")
    backbone.set_weights([1.5 * x for x in backbone.get_weights()])
    backbone.save(folder / "flow.keras")


def cut(folder):
    path = folder / "flow.keras"
    path.write_bytes(path.read_bytes()[:1000])


def add(folder):
    shutil.copy(folder / "flow.keras", folder / "rgb.keras")


@pytest.mark.parametrize(
    "spoil, found",
    [
        (remove, "flow.keras, no file"),
        (exchange, "flow.keras, another network or weights"),
        (cut, "backbones, .+"),
        (add, "rgb.keras, one where inputs are features"),
    ],
)
def test_others_are_refused(spoil, found, kept, tmp_path):
    shutil.copytree(kept[0], tmp_path, dirs_exist_ok=True)
    spoil(tmp_path / "backbones")
    parts = [
        "Expected the backbone that small was extracted with",
        f"Received: .*{found}",
        "Copy the folder backbones",
    ]
    with pytest.raises(ValueError, match=r"\. ".join(parts)):
        load_known_backbones(tmp_path, kept[1], PLAN)
