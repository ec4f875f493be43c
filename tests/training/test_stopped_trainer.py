"""A run that is killed and started again ends as one that never was."""

import json
import os
import signal

import h5py
import numpy as np
import pytest
import tensorflow as tf

import small_run
from ac_keras import training
from ac_keras.training import keras_files

EPOCHS = 2
# After each step, before each batch of an evaluation, after each epoch.
LOOKS = EPOCHS * (small_run.STEPS + small_run.EVALUATIONS + 1)
EVALUATING = small_run.STEPS + 2  # at its second batch
VARIANTS = {
    "every step saved": {"checkpoint_seconds": 0.0},
    "in memory": {"in_memory": True},
    "two steps at a time": {"steps_per_execution": 2},
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return small_run.write_clips(tmp_path_factory.mktemp("data") / "small")


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole") / "run"


@pytest.fixture(scope="module")
def whole(manifest, whole_folder):
    """The bits of a run that was never killed."""
    return small_run.bits(small_run.train(manifest, whole_folder))


def best_weights(folder):
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(folder / training.BEST_WEIGHTS) as file:
        file.visititems(keep)
    return found


def kill(manifest, folder, looks, **options):
    with pytest.raises(small_run.Killed):
        small_run.train(manifest, folder, small_run.KillAt(looks), **options)


def newest_position(folder):
    """Gives epoch, step and history as they were saved."""
    newest = tf.train.latest_checkpoint(str(folder / "checkpoints"))
    reader = tf.train.load_checkpoint(newest)
    keys = reader.get_variable_to_shape_map()
    (key,) = (x for x in keys if x.startswith("position/"))
    return json.loads(reader.get_tensor(key))


def test_a_run_looks_at_its_signals_so_many_times(manifest, tmp_path):
    small_run.train(manifest, tmp_path / "last", small_run.KillAt(LOOKS + 1))
    kill(manifest, tmp_path / "run", LOOKS)


@pytest.mark.parametrize("looks", range(1, LOOKS + 1))
def test_a_kill_at_any_step_changes_nothing(
    looks, manifest, whole, whole_folder, tmp_path
):
    kill(manifest, tmp_path / "run", looks)
    again = small_run.train(manifest, tmp_path / "run")
    assert small_run.bits(again) == whole
    assert best_weights(tmp_path / "run") == best_weights(whole_folder)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_kill_at_every_start_changes_nothing(name, manifest, tmp_path):
    options = VARIANTS[name]
    expected = small_run.train(manifest, tmp_path / "whole", **options)
    for looks in (2, 1, EVALUATING):
        try:
            small_run.train(
                manifest, tmp_path / "run", small_run.KillAt(looks), **options
            )
        except small_run.Killed:
            continue
    again = small_run.train(manifest, tmp_path / "run", **options)
    assert small_run.bits(again) == small_run.bits(expected)


def test_how_the_records_are_read_and_steps_are_grouped_may_differ(
    manifest, whole, tmp_path
):
    trainer = small_run.train(
        manifest, tmp_path / "run", steps_per_execution=2, checkpoint_seconds=0
    )
    assert small_run.bits(trainer) == whole


def test_the_epochs_do_change_the_weights(whole, manifest, tmp_path):
    shorter = small_run.train(manifest, tmp_path / "run", epochs=1)
    assert small_run.bits(shorter)[0] != whole[0]
    assert small_run.bits(shorter)[1] == whole[1][:1]


def test_a_kill_between_best_weights_and_checkpoint_changes_nothing(
    manifest, whole, whole_folder, tmp_path, monkeypatch
):
    def save(state):
        raise small_run.Killed

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(small_run.Killed):
        patch.setattr(training.RunState, "save", save)
        small_run.train(manifest, folder)
    assert (folder / training.BEST_WEIGHTS).is_file()
    again = small_run.train(manifest, folder)
    assert small_run.bits(again) == whole
    assert best_weights(folder) == best_weights(whole_folder)


def test_a_kill_while_best_weights_are_written_changes_nothing(
    manifest, whole, whole_folder, tmp_path, monkeypatch
):
    def write_half(model, path):
        path.with_name(f".{path.name}.1.partial").write_bytes(b"half")
        raise small_run.Killed

    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(small_run.Killed):
        patch.setattr(keras_files, "save_weights", write_half)
        small_run.train(manifest, folder)
    assert not (folder / training.BEST_WEIGHTS).exists()
    assert small_run.bits(small_run.train(manifest, folder)) == whole
    assert best_weights(folder) == best_weights(whole_folder)


def test_a_finished_run_trains_no_more(manifest, whole, tmp_path):
    small_run.train(manifest, tmp_path / "run")
    again = small_run.train(manifest, tmp_path / "run", small_run.KillAt(1))
    assert small_run.bits(again) == whole


@pytest.mark.parametrize(
    "looks, position, place",
    [
        (0, (0, 1), "step 1 of epoch 1"),
        (1, (0, 2), "step 2 of epoch 1"),
        (EVALUATING - 1, (0, small_run.STEPS), "step 3 of epoch 1"),
        (LOOKS - 1, (EPOCHS, 0), "epoch 2"),
    ],
)
def test_a_signal_saves_that_very_step_and_stops(
    looks, position, place, manifest, whole, tmp_path
):
    message = f"Stopped by SIGTERM after {place}, which is saved"
    with pytest.raises(training.RunStopped, match=message):
        small_run.train(manifest, tmp_path / "run", small_run.SignalAt(looks))
    assert tuple(newest_position(tmp_path / "run")[:2]) == position
    again = small_run.train(manifest, tmp_path / "run")
    assert small_run.bits(again) == whole


def test_a_real_sigterm_stops_it(manifest, tmp_path):
    with training.StopSignal() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(training.RunStopped, match="SIGTERM after step 1"):
            small_run.train(manifest, tmp_path / "run", signals)
    assert newest_position(tmp_path / "run")[:2] == [0, 1]


def test_patience_goes_on_over_a_kill(manifest, tmp_path):
    """At a rate of 0 no epoch is better than the first."""
    options = {"rate": 0.0, "patience": 2, "epochs": 9}
    whole = small_run.train(manifest, tmp_path / "whole", **options)
    assert len(whole.state.history) == 3
    an_epoch = small_run.STEPS + small_run.EVALUATIONS + 1
    kill(manifest, tmp_path / "run", 2 * an_epoch + 1, **options)
    again = small_run.train(manifest, tmp_path / "run", **options)
    assert again.state.history == whole.state.history


def test_another_models_checkpoint_is_refused(manifest, tmp_path):
    small_run.train(manifest, tmp_path / "run", epochs=1)
    with pytest.raises(ValueError, match="another's, or a damaged one"):
        small_run.train(manifest, tmp_path / "run", metrics=[])


def test_the_figures_are_those_of_the_weights(manifest, tmp_path):
    trainer = small_run.train(manifest, tmp_path / "run", rate=0.0, epochs=1)
    losses = []
    for features, labels in small_run.validation_of(manifest):
        p = trainer.kept_model.predict_on_batch(features)
        losses.extend(-np.log(p[np.arange(len(labels)), labels]))
    assert len(losses) == small_run.SIZES["validation"]
    row = trainer.state.history[0]
    assert row["val_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert row["learning_rate"] == 0.0
