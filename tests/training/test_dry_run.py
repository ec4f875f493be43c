"""What a dry run tells, against the model."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.runs import describe_run

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


@pytest.fixture(scope="module")
def text():
    return describe(keras.optimizers.RMSprop())


def megabytes(text, behind):
    return float(re.search(rf"{behind} ([\d,.]+) MB", text)[1].replace(",", ""))


def test_it_has_every_batch_shape_and_dtype(text):
    assert f"rgb: ({BATCH}, {FRAMES}, {DIM}) float32" in text
    assert f"rgb_num_frames: ({BATCH},) int32" in text
    assert f"labels: ({BATCH},) int32" in text


def test_it_has_the_models_layers_and_parameters(text):
    assert "cluster_classifier" in text and "dropout" in text
    assert f"Parameters: {NUM_WEIGHTS:,}" in text


def test_it_has_the_bytes_of_weights_and_of_a_batch(text):
    weights = 4 * NUM_WEIGHTS / 1e6
    assert megabytes(text, "weights") == pytest.approx(weights, abs=0.06)
    batch = 4 * (BATCH * FRAMES * DIM + 2 * BATCH) / 1e6
    assert megabytes(text, "a batch") == pytest.approx(batch, abs=0.06)


@pytest.mark.parametrize(
    ("optimizer", "num_averages", "copies"),
    [
        (keras.optimizers.SGD, 0, 2),
        (keras.optimizers.RMSprop, 0, 3),
        (keras.optimizers.Adam, 0, 4),
        (keras.optimizers.Adam, 1, 5),
    ],
)
def test_it_counts_gradients_slots_and_averages(
    optimizer, num_averages, copies
):
    """Each is as large as the weights; Adam has two slots, RMSprop one."""
    found = megabytes(describe(optimizer(), num_averages), "averages")
    expected = copies * 4 * NUM_WEIGHTS / 1e6
    assert found == pytest.approx(expected, abs=0.06)


def test_it_has_the_steps_of_an_epoch_and_of_the_run(text):
    assert f"Steps: {STEPS:,} in an epoch of {CLIPS:,} clips" in text
    assert f"{STEPS * EPOCHS:,} in {EPOCHS} epochs" in text
