"""Settings of the peers, and the inputs that they reject."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest

from support.benchmarks.peer_cases import SMALL
from support.benchmarks.peer_cases import settings

ROOT = pathlib.Path(__file__).parents[2]


def read_flags(name):
    text = (ROOT / f"trainers/flags/{name}.flags").read_text("utf-8")
    return dict(re.findall(r"^--(\w+)=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["flash_mnist", "kinetics", "youtube8m"])
def test_settings_are_those_of_the_flagfiles(name):
    setting, flags = getattr(settings, name.upper()), read_flags(name)
    units = {k: units for k, (_, units) in setting.modalities.items()}
    listed = ",".join(f"{k}:{x}" for k, x in units.items())
    assert flags["num_units"] in (listed, str(units["rgb"]))
    assert setting.batch_size == int(flags["batch_size"])
    assert setting.num_frames == int(flags.get("train_frames", 25))
    assert setting.dropout == float(flags["dropout"])
    assert setting.optimizer == flags.get("optimizer", "adam")
    assert setting.clip_norm == float(flags.get("clip_norm", 0))
    assert setting.learning_rate == float(flags["learning_rate"])


def test_the_kinetics_model_has_the_parameters_that_its_sizes_give():
    shapes = settings.KINETICS.weight_shapes().values()
    width = 1536 * 64 + 1536 * 32 + 512 * 32
    kernels = 1536 * 64 + 1536 * 32 + 512 * 32
    expected = kernels + 2 * 128 + width * 400 + 400
    assert sum(int(np.prod(shape)) for shape in shapes) == expected


def test_drawn_weights_are_spread_as_those_of_the_layers():
    setting = dataclasses.replace(SMALL, modalities={"rgb": (300, 200)})
    weights = settings.draw_weights(setting, 0)
    assert {x.dtype for x in weights.values()} == {np.dtype("float32")}
    largest = np.abs(weights["rgb/kernel"]).max()
    np.testing.assert_allclose(largest, (3 / 300) ** 0.5, rtol=0.01)
    largest = np.abs(weights["classifier/kernel"]).max()
    np.testing.assert_allclose(largest, (6 / 60005) ** 0.5, rtol=0.01)
    np.testing.assert_allclose(weights["rgb/beta"].std(), 0.5, rtol=0.2)
    assert weights["rgb/alpha"].min() == weights["rgb/alpha"].max() == 1


def test_inputs_that_do_not_fit_are_rejected():
    weights = settings.draw_weights(SMALL, 0)
    weights["rgb/alpha"] = weights["rgb/alpha"][:1]
    with pytest.raises(ValueError, match=r"rgb/alpha.*Received: weights="):
        settings.check_weights(SMALL, weights)
    features, labels = settings.draw_batch(SMALL, 0)
    with pytest.raises(ValueError, match=r"Received: labels="):
        settings.check_batch(SMALL, features, labels[1:])
    del features["audio"]
    with pytest.raises(ValueError, match=r"audio.*Received: features="):
        settings.check_batch(SMALL, features, labels)
    with pytest.raises(ValueError, match=r"Received: optimizer='lion'"):
        dataclasses.replace(SMALL, optimizer="lion")
