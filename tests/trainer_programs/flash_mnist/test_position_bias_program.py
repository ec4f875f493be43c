"""position_bias.py on classes that only the order of frames tells."""

import json

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from support.programs import output_of
from support.programs import run_cases

pytestmark = pytest.mark.programs

SIZES = {"train": 1024, "validation": 64, "test": 200}


def write_dataset(directory, num_frames=25):
    """Every clip has the same frames; class 1 has them the other way round."""
    description = Description("ordered", ("up", "down"), {"rgb": Modality(4)})
    writer = DatasetWriter(directory, description, dict.fromkeys(SIZES, 1))
    frames = np.zeros((num_frames, 4), np.float32)
    frames[: num_frames // 2, 0] = 1
    frames[num_frames // 2 :, 1] = 1

    def clips_of(split, _):
        for index in range(SIZES[split]):
            step = 1 - 2 * (index % 2)
            yield Clip(
                f"{split}-{index}", (index % 2,), {"rgb": frames[::step]}
            )

    writer.write(clips_of)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("position_bias")
    write_dataset(root / "data")
    write_dataset(root / "short", num_frames=7)
    common = {"data_dir": root / "data", "output_dir": root / "out"}
    flags = {
        "whole": {**common, "num_units": 1},
        "short": {**common, "data_dir": root / "short"},
        "word": {**common, "num_units": "two"},
    }
    cases = [("flash_mnist/position_bias.py", x) for x in flags.values()]
    return root, dict(zip(flags, run_cases(cases, cwd=root), strict=True))


@pytest.fixture(scope="module")
def result(done):
    root, runs = done
    output_of(runs["whole"])
    (row,) = json.loads((root / "out" / "position_bias.json").read_text())
    return row


def test_biases_tell_an_order_that_a_set_does_not_have(result):
    assert result["num_units"] == 1 and result["seed"] == 0
    assert result["with"]["test_accuracy"] == 1
    assert result["with"]["validation_accuracy"] == 1
    assert result["without"]["test_accuracy"] == 0.5
    assert result["bias_standard_deviation"] > 0.001
    assert 0.3 < result["with"]["permuted_test_accuracy"] < 0.7
    assert result["without"]["permuted_test_accuracy"] == 0.5


@pytest.mark.parametrize(
    "case, message",
    [
        ("short", "Expected clips of 25 frames, as in Flash-MNIST. Received:"),
        ("word", "Expected --num_units to be whole numbers separated by"),
    ],
)
def test_what_does_not_fit_is_refused(done, case, message):
    run = done[1][case]
    assert run.returncode == 1 and run.stderr.strip().startswith(message)
