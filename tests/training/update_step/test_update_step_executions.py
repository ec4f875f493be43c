"""The steps of a classifier of clusters, alone and within the trainer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras.training import BestEpoch
from ac_keras.training import StopSignal
from ac_keras.training import Trainer
from ac_keras.training import UpdateStep

DIM, UNITS, CLASSES, BATCH, FRAMES, STEPS = 6, 3, 4, 8, 5, 7


def make_model(dtype="float32", dropout=0.5):
    keras.utils.set_random_seed(3)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        return cluster_classifier(
            {"rgb": DIM}, {"rgb": UNITS}, CLASSES, dropout
        )
    finally:
        keras.config.set_dtype_policy(before)


def endless_batches(epoch, step, share):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, CLASSES, (STEPS, BATCH)).astype("int32")
    means = rng.normal(size=(CLASSES, DIM))[labels][:, :, None]
    noise = rng.normal(size=(STEPS, BATCH, FRAMES, DIM))
    lengths = rng.integers(0, FRAMES + 1, (STEPS, BATCH)).astype("int32")
    features = {
        "rgb": (means + noise).astype("float32"),
        "rgb_num_frames": lengths,
    }
    batches = tf.data.Dataset.from_tensor_slices((features, labels))
    return batches.repeat().skip(step)


def train(
    folder, dtype="float32", dropout=0.5, steps_per_execution=1, **options
):
    """The weights after two epochs, and the loss of each."""
    model = make_model(dtype, dropout)
    optimizer = keras.optimizers.RMSprop(0.01)
    trainer = Trainer(
        model,
        UpdateStep(model, optimizer, clip_norm=1.0, **options),
        None,
        batch_size=BATCH,
        steps_per_epoch=STEPS,
        epochs=2,
        steps_per_execution=steps_per_execution,
        directory=folder,
        best=BestEpoch("last"),
    )
    history = trainer.fit(endless_batches, None, None, StopSignal())
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    return weights, np.array([row["loss"] for row in history])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    weights, losses = train(tmp_path_factory.mktemp("plain"))
    before = np.concatenate([w.ravel() for w in make_model().get_weights()])
    assert losses[1] < losses[0] and not np.array_equal(weights, before)
    return weights, losses


@pytest.mark.parametrize("count", [2, 7, 100])
def test_any_number_of_steps_at_once_gives_the_same_bits(
    count, plain, tmp_path
):
    weights, losses = train(tmp_path, steps_per_execution=count)
    np.testing.assert_array_equal(weights, plain[0])
    np.testing.assert_array_equal(losses, plain[1])


def test_xla_gives_the_same_weights_but_for_rounding(tmp_path_factory):
    """Without dropout: XLA orders the same random numbers in its own way."""
    plain, compiled = (
        train(tmp_path_factory.mktemp("run"), dropout=0.0, jit_compile=xla)
        for xla in (False, True)
    )
    np.testing.assert_allclose(compiled[1], plain[1], 1e-5)
    np.testing.assert_allclose(compiled[0], plain[0], 1e-4, 1e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_stays_close_to_float32(dtype, plain, tmp_path):
    scaled = dtype == "mixed_float16"
    weights, losses = train(tmp_path, dtype, scale_loss=scaled)
    assert not np.array_equal(weights, plain[0])
    np.testing.assert_allclose(losses, plain[1], 0.05)
