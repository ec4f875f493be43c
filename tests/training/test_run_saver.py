"""Epochs that are too short to be saved after each."""

import types

import pytest

from ac_keras import training
from ac_keras.training import checkpoints
from support.training import small_run
from support.training.saved_run import best_weights
from support.training.saved_run import number_of_saves
from support.training.saved_run import position

EPOCHS = 3
AN_EPOCH = small_run.LOOKS
OPTIONS = {"epochs": EPOCHS, "rate": 1.0}  # The second epoch is the best.


@pytest.fixture(scope="module")
def whole(manifest, tmp_path_factory):
    """A run that saves after every epoch."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "PAUSE", 0)
        trainer = small_run.train(manifest, folder, **OPTIONS)
    return types.SimpleNamespace(
        bits=small_run.bits(trainer),
        weights=best_weights(folder),
        best=trainer.best.index(trainer.state.history),
        saves=number_of_saves(folder),
    )


@pytest.fixture
def rarely(monkeypatch):
    """Has runs save after their first epoch and their last."""
    monkeypatch.setattr(checkpoints, "PAUSE", 1e12)


def test_epochs_are_saved_as_often_as_they_are_long_enough(
    manifest, whole, rarely, tmp_path
):
    assert whole.saves == EPOCHS
    assert 0 < whole.best < EPOCHS - 1  # neither of those that are saved
    trainer = small_run.train(manifest, tmp_path / "run", **OPTIONS)
    assert number_of_saves(tmp_path / "run") == 2
    assert position(tmp_path / "run")[:2] == [EPOCHS, 0]
    assert small_run.bits(trainer) == whole.bits
    assert best_weights(tmp_path / "run") == whole.weights


def test_a_kill_goes_back_to_the_last_save_and_changes_nothing(
    manifest, whole, rarely, tmp_path
):
    killed = small_run.kill_at(2 * AN_EPOCH + 1)
    with pytest.raises(small_run.Killed):
        small_run.train(manifest, tmp_path / "run", killed, **OPTIONS)
    assert position(tmp_path / "run")[:2] == [1, 0]
    again = small_run.train(manifest, tmp_path / "run", **OPTIONS)
    assert small_run.bits(again) == whole.bits
    assert best_weights(tmp_path / "run") == whole.weights


@pytest.mark.parametrize(
    "looks",
    [2 * AN_EPOCH, 2 * AN_EPOCH + small_run.STEPS, 2 * AN_EPOCH - 1],
    ids=["in an epoch", "in an evaluation", "after an epoch"],
)
def test_a_signal_saves_the_weights_that_were_held(
    looks, manifest, whole, rarely, tmp_path
):
    signal = small_run.signal_after(looks)
    with pytest.raises(training.RunStopped):
        small_run.train(manifest, tmp_path / "run", signal, **OPTIONS)
    assert position(tmp_path / "run")[0] == 2
    assert best_weights(tmp_path / "run") == whole.weights
    again = small_run.train(manifest, tmp_path / "run", **OPTIONS)
    assert small_run.bits(again) == whole.bits


def test_a_checkpoint_within_an_epoch_saves_them_too_and_changes_nothing(
    manifest, whole, rarely, tmp_path, monkeypatch
):
    monkeypatch.setattr(checkpoints.RunSaver, "is_due", lambda saver: True)
    trainer = small_run.train(manifest, tmp_path / "run", **OPTIONS)
    assert number_of_saves(tmp_path / "run") == EPOCHS * small_run.STEPS + 1
    assert small_run.bits(trainer) == whole.bits
    assert best_weights(tmp_path / "run") == whole.weights
