"""A run that is asked to stop, or has to, saves a valid checkpoint."""

import os
import signal

import numpy as np
import pytest

from ac_keras import training
from support.training import small_run
from support.training.saved_run import best_weights
from support.training.saved_run import position
from support.training.saved_run import read_checkpoint

STEPS = small_run.STEPS
EVALUATING = STEPS + 1  # looks before its second batch
AN_EPOCH = small_run.LOOKS


@pytest.mark.parametrize(
    "looks, where, place",
    [
        (0, [0, 1], "step 1 of epoch 1"),
        (1, [0, 2], "step 2 of epoch 1"),
        (2 * AN_EPOCH - 1, [2, 0], "epoch 2"),
    ],
)
def test_a_signal_saves_that_very_step_and_stops(
    looks, where, place, manifest, tmp_path
):
    message = f"Stopped by SIGTERM after {place}, which is saved"
    with pytest.raises(training.RunStopped, match=message):
        small_run.train(
            manifest, tmp_path / "run", small_run.signal_after(looks)
        )
    assert position(tmp_path / "run")[:2] == where


def test_a_signal_in_an_evaluation_stops_before_its_next_batch(
    manifest, tmp_path
):
    signals = small_run.signal_after(EVALUATING)
    with pytest.raises(training.RunStopped, match="after step 2 of epoch 1"):
        small_run.train(manifest, tmp_path / "run", signals)
    assert position(tmp_path / "run") == [0, STEPS, []]
    again = small_run.train(manifest, tmp_path / "run")
    whole = small_run.train(manifest, tmp_path / "whole")
    assert small_run.bits(again) == small_run.bits(whole)


def test_a_real_sigterm_stops_a_run(manifest, tmp_path):
    with training.StopSignal() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(training.RunStopped, match="SIGTERM after step 1"):
            small_run.train(manifest, tmp_path / "run", signals)
    assert position(tmp_path / "run")[:2] == [0, 1]


def test_a_loss_that_is_not_finite_ends_a_run_and_saves_the_step_before(
    manifest, tmp_path
):
    folder, best = tmp_path / "broken", training.BestEpoch("last")
    message = "NaN or infinity at step 1 of epoch 2"
    with pytest.raises(training.NonFiniteLossError, match=message) as error:
        small_run.train(
            manifest,
            folder,
            broken_step=STEPS + 1,
            checkpoint_seconds=0.0,
            best=best,
        )
    assert (error.value.epoch, error.value.step) == (1, 1)
    assert position(folder)[:2] == [1, 1]
    values = read_checkpoint(folder).values()
    arrays = [x for x in values if getattr(x, "dtype", None) == "float32"]
    assert len(arrays) > 5 and all(np.isfinite(x).all() for x in arrays)
    small_run.train(manifest, tmp_path / "run", epochs=1, best=best)
    assert best_weights(folder) == best_weights(tmp_path / "run")


def test_a_validation_loss_that_is_not_finite_ends_a_run(manifest, tmp_path):
    folder, best = tmp_path / "run", training.BestEpoch("last")
    small_run.train(manifest, folder, epochs=1, best=best)
    weights = best_weights(folder)
    message = "NaN or infinity at validation of epoch 2"
    with pytest.raises(training.NonFiniteLossError, match=message) as error:
        small_run.train(manifest, folder, best=best, broken_validation=True)
    assert error.value.step is None
    assert position(folder)[:2] == [1, 0]
    assert best_weights(folder) == weights
