"""trainers/flash_mnist/frame_union.py, run as a program on known decisions.

The CNN's last layer reads its 11 logits from the first 11 of 50 features, so
that a frame's decision is what a test wants it to be.
"""

import json
import re

import keras
import numpy as np
import pytest

from ac_keras.datasets.flash_mnist import class_names
from ac_keras.models import frame_cnn
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from support.programs import DATA
from support.programs import run_cases

pytestmark = pytest.mark.programs

EMPTY = 10
SURE, VAGUE = 0.99, 0.7


def make_frames(decisions):
    """Frames `(25, 50)`, each of a digit with its probability, or empty."""
    probabilities = np.full((25, 11), 1e-6)
    probabilities[:, EMPTY] = SURE
    for frame, (digit, probability) in enumerate(decisions):
        probabilities[frame, EMPTY] = 1 - probability
        probabilities[frame, digit] = probability
    frames = np.zeros((25, 50))
    # ReLU units are never negative.
    frames[:, :11] = np.log(probabilities) + 20
    return frames.astype(np.float32)


def write_folder(directory, splits, name="flash_mnist", **settings):
    """Writes records, manifest and weights; `splits` are lists of clips."""
    description = Description(
        name,
        class_names(),
        {"rgb": Modality(50)},
        settings={"features": "relu", **settings},
    )
    writer = DatasetWriter(directory, description, dict.fromkeys(splits, 1))
    writer.write(
        lambda split, _: [
            Clip(f"{split}-{i}", (label,), {"rgb": make_frames(decisions)})
            for i, (decisions, label) in enumerate(splits[split])
        ]
    )
    keras.utils.set_random_seed(0)
    cnn = frame_cnn()
    cnn.layers[-1].set_weights([np.eye(50, 11), np.zeros(11)])
    cnn.save_weights(directory / "frame_cnn.weights.h5")


PROGRAM = DATA.parent / "trainers" / "flash_mnist" / "frame_union.py"
# Vague threes are none; all else is what the CNN takes it for.
RIGHT = ([(1, SURE), (3, SURE), (3, SURE)], 2 + 8)
FALSE_THREE = ([(1, SURE), (3, VAGUE)], 2)
MISSED_NINE = ([(1, SURE)], 2 + 512)
VALIDATION = [RIGHT, RIGHT, FALSE_THREE, MISSED_NINE]
TEST = [RIGHT, FALSE_THREE, FALSE_THREE, MISSED_NINE, MISSED_NINE]
# Vague threes are threes here, which only a look at the test split can tell.
OTHER_TEST = [([(3, VAGUE)], 8)] * 5
WHOLE = {"train": [RIGHT], "validation": VALIDATION, "test": TEST}
DATASETS = {
    "good": (WHOLE, {}),
    "other_test": ({**WHOLE, "test": OTHER_TEST}, {}),
    "stranger": (WHOLE, {"name": "toys"}),
    "log_softmax": (WHOLE, {"features": "log_softmax"}),
    "no_weights": (WHOLE, {}),
    "no_validation": ({"test": TEST}, {}),
    "no_test": ({"validation": VALIDATION}, {}),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of JSON files, and the finished processes."""
    root = tmp_path_factory.mktemp("unions")
    for name, (splits, settings) in DATASETS.items():
        write_folder(root / name, splits, **settings)
    (root / "no_weights" / "frame_cnn.weights.h5").unlink()
    cases = {
        name: {"data_dir": root / name, "output": root / f"{name}.json"}
        for name in (*DATASETS, "nowhere")
    }
    output = root / "missing" / "union.json"
    cases["no_folder"] = {"data_dir": root / "good", "output": output}
    done = run_cases([(PROGRAM, flags) for flags in cases.values()], root)
    return root, dict(zip(cases, done, strict=True))


def union_of(results, case="good"):
    root, done = results
    assert done[case].returncode == 0, done[case].stderr
    text = (root / f"{case}.json").read_text()
    assert done[case].stdout == text
    assert not list(root.glob(".*"))
    return json.loads(text)


def test_unions_are_right_where_every_digit_is_and_thresholds_help(results):
    union = union_of(results)
    assert union["validation"]["num_clips"] == 4
    assert union["test"]["num_clips"] == 5
    assert union["validation"]["accuracy"]["hard"] == 2 / 4
    assert union["test"]["accuracy"]["hard"] == 1 / 5
    for name in ("threshold_by_digit", "threshold_by_set"):
        threshold = union["thresholds"][name][3]
        assert threshold == pytest.approx((SURE + VAGUE) / 2, abs=1e-3)
        assert union["validation"]["accuracy"][name] == 3 / 4
        assert union["test"]["accuracy"][name] == 3 / 5
    expected = np.ones(10)
    expected[9] = 3 / 5
    found = union["test"]["digit_accuracy"]
    assert found["threshold_by_set"] == expected.tolist()
    expected[3] = 3 / 5
    assert found["hard"] == expected.tolist()
    # Two convolutions, the features and the last layer.
    weights = 10 * 26 + 20 * 251 + 50 * (4 * 4 * 20 + 1) + 11 * 51
    assert union["cnn_parameters"] == weights


def test_thresholds_do_not_follow_the_test_split(results):
    union, other = union_of(results), union_of(results, "other_test")
    assert other["test"]["accuracy"]["hard"] == 1
    assert other["test"]["accuracy"]["threshold_by_set"] == 0
    assert other["thresholds"] == union["thresholds"]
    assert other["validation"] == union["validation"]


@pytest.mark.parametrize(
    "case, message",
    [
        ("stranger", "Expected a dataset of .*Received: name='toys' in "),
        (
            "log_softmax",
            "Expected features=relu .*Received: features='log_softmax' in "
            ".*Prepare the dataset with --features=relu",
        ),
        (
            "no_weights",
            "Expected the CNN's weights .*Received: no file .*"
            "frame_cnn.weights.h5. Copy it",
        ),
        ("no_validation", "Expected a split among.*split='validation'"),
        ("no_test", "Expected a split among.*split='test'"),
        ("nowhere", "manifest.json"),
        ("no_folder", "Expected --output to be in a folder.*Received: .*Make "),
    ],
)
def test_what_cannot_be_measured_is_refused(results, case, message):
    root, done = results
    assert done[case].returncode == 1
    assert re.search(message, done[case].stderr)
    assert "Traceback" not in done[case].stderr
    assert not (root / f"{case}.json").exists()
