"""A dry run, the mean over several datasets, and explained errors."""

import json
import re
import statistics

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.runs import describe_run
from ac_keras.runs import explain_errors
from ac_keras.runs import explain_lost_hosts
from ac_keras.runs import write_mean
from ac_keras.training import NonFiniteLossError

DIM, UNITS, CLASSES, BATCH, FRAMES = 300, 40, 70, 8, 20
# The unit's kernel, alpha and beta, and the dense layer.
NUM_WEIGHTS = UNITS * (DIM + 2) + (UNITS * DIM + 1) * CLASSES
STEPS, EPOCHS, CLIPS = 1234, 50, 9876


def describe(optimizer, num_averages=0):
    model = cluster_classifier({"rgb": DIM}, {"rgb": UNITS}, CLASSES)
    features = {
        "rgb": np.zeros((BATCH, FRAMES, DIM), "float32"),
        "rgb_num_frames": np.zeros(BATCH, "int32"),
    }
    labels = np.zeros(BATCH, "int32")
    return describe_run(
        model,
        optimizer,
        tf.data.Dataset.from_tensors((features, labels)),
        num_clips=CLIPS,
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        num_averages=num_averages,
    )


def megabytes(text, behind):
    return float(re.search(rf"{behind} ([\d,.]+) MB", text)[1].replace(",", ""))


def test_it_has_shapes_parameters_bytes_and_steps():
    text = describe(keras.optimizers.RMSprop())
    assert f"rgb: ({BATCH}, {FRAMES}, {DIM}) float32" in text
    assert f"rgb_num_frames: ({BATCH},) int32" in text
    assert f"labels: ({BATCH},) int32" in text
    assert "cluster_classifier" in text and "dropout" in text
    assert f"Parameters: {NUM_WEIGHTS:,}" in text
    weights = 4 * NUM_WEIGHTS / 1e6
    assert megabytes(text, "weights") == pytest.approx(weights, abs=0.06)
    batch = 4 * (BATCH * FRAMES * DIM + 2 * BATCH) / 1e6
    assert megabytes(text, "a batch") == pytest.approx(batch, abs=0.06)
    assert f"Steps: {STEPS:,} in an epoch of {CLIPS:,} clips" in text
    assert f"{STEPS * EPOCHS:,} in {EPOCHS} epochs" in text


@pytest.mark.parametrize(
    ("optimizer", "num_averages", "copies"),
    [("sgd", 0, 2), ("rmsprop", 0, 3), ("adam", 0, 4), ("adam", 1, 5)],
)
def test_it_counts_gradients_slots_and_averages(
    optimizer, num_averages, copies
):
    """Each is as large as the weights; Adam has two slots, RMSprop one."""
    text = describe(keras.optimizers.get(optimizer), num_averages)
    expected = copies * 4 * NUM_WEIGHTS / 1e6
    assert megabytes(text, "averages") == pytest.approx(expected, abs=0.06)


ACCURACIES = {"split1": 0.5, "split2": 0.75, "split3": 0.9}


def test_mean_and_deviation_of_each_metric_of_the_test_split_are_written(
    tmp_path,
):
    others = {
        "test_clips_of_saved_model": 7,
        "validation_accuracy": 0.1,
        "best_epoch": 3,
        "keras": "3",
    }
    results = {
        name: {"test_accuracy": x, "test_loss": 1 - x, **others}
        for name, x in ACCURACIES.items()
    }
    summary = write_mean(results, tmp_path)
    assert json.loads((tmp_path / "result.json").read_text()) == summary
    assert summary["datasets"] == list(ACCURACIES)
    mean = statistics.fmean(ACCURACIES.values())
    expected = {"test_accuracy": mean, "test_loss": 1 - mean}
    assert summary["mean"] == pytest.approx(expected)
    spread = statistics.pstdev(ACCURACIES.values())
    expected = dict.fromkeys(expected, spread)
    assert summary["standard_deviation"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "kind", [tf.errors.UnavailableError, tf.errors.AbortedError]
)
def test_a_loss_is_explained_with_what_to_do(kind):
    with pytest.raises(ValueError) as raised, explain_lost_hosts(3):
        raise kind(None, None, "Socket closed")
    assert str(raised.value) == (
        "Expected all 3 hosts to continue. Received: the loss of a host "
        f"({kind.__name__}). Start the same command on every host again; the "
        "run resumes from its last checkpoint."
    )


@pytest.mark.parametrize(
    ("kind", "num_hosts"),
    [(tf.errors.UnavailableError, 1), (tf.errors.InvalidArgumentError, 2)],
)
def test_other_errors_are_not_taken_for_a_loss(kind, num_hosts):
    with pytest.raises(kind), explain_lost_hosts(num_hosts):
        raise kind(None, None, "shapes")


def test_an_infinite_validation_loss_is_explained_without_a_batch():
    message = "validation of epoch 2.* --learning_rate"
    with (
        pytest.raises(ValueError, match=message),
        explain_errors(None, ["train"], None),
    ):
        raise NonFiniteLossError(1, None)
