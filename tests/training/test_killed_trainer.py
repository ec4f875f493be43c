"""A run that is killed and started again ends as one that never was.

In the same process: a kill is an exception that nothing catches, or a copy of
the folder as it lay there at some moment.
"""

import shutil
import types

import numpy as np
import pytest

from ac_keras import training
from ac_keras.utils import keras_files
from support.programs import output_of
from support.programs import run_program
from support.training import device_runs
from support.training import small_run
from support.training.saved_run import best_weights

AN_EPOCH = small_run.LOOKS
LOOKS = 2 * AN_EPOCH
EVALUATING = small_run.STEPS + 2  # at its second batch


@pytest.fixture(scope="module")
def whole(manifest, tmp_path_factory):
    """A run that was never killed, and copies of its folder on the way."""
    folder = tmp_path_factory.mktemp("whole")
    copies = tmp_path_factory.mktemp("copies")

    def copy(look):
        shutil.copytree(folder, copies / str(look))

    signals = small_run.AtLooks(copy)
    trainer = small_run.train(manifest, folder, signals)
    return types.SimpleNamespace(
        trainer=trainer,
        bits=small_run.bits(trainer),
        best=best_weights(folder),
        copies=copies,
        looks=signals.looks,
    )


def kill(manifest, folder, looks, **options):
    with pytest.raises(small_run.Killed):
        small_run.train(manifest, folder, small_run.kill_at(looks), **options)


def test_a_run_looks_at_its_signals_and_changes_the_weights(whole, tmp_path):
    assert whole.looks == LOOKS
    untrained = small_run.make_trainer(tmp_path / "run").model.get_weights()
    for before, after in zip(
        untrained, whole.trainer.model.get_weights(), strict=True
    ):
        assert not np.array_equal(before, after)


def test_the_figures_are_those_of_the_kept_models_weights(whole, manifest):
    losses = []
    for features, labels in small_run.validation_of(manifest):
        p = whole.trainer.best_model.predict_on_batch(features)
        losses.extend(-np.log(p[np.arange(len(labels)), labels]))
    assert len(losses) == small_run.SIZES["validation"]
    row = whole.trainer.state.history[-1]
    assert row["val_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("look", range(1, LOOKS + 1))
def test_a_kill_at_any_step_changes_nothing(look, manifest, whole):
    folder = whole.copies / str(look)
    again = small_run.train(manifest, folder)
    assert small_run.bits(again) == whole.bits
    assert best_weights(folder) == whole.best


@pytest.mark.parametrize(
    ("look", "options"),
    [
        (EVALUATING - 1, {"checkpoint_seconds": 0.0}),
        (EVALUATING - 1, {"steps_per_execution": 2}),
        (AN_EPOCH + 1, {"in_memory": True}),
    ],
    ids=["every step saved", "two steps at a time", "in memory"],
)
def test_neither_does_how_often_it_looks_and_saves_or_where_clips_are(
    look, options, manifest, whole, tmp_path
):
    expected = whole.bits
    if "in_memory" in options:  # It has another order.
        expected = small_run.bits(
            small_run.train(manifest, tmp_path / "whole", **options)
        )
        assert expected != whole.bits
    kill(manifest, tmp_path / "run", look, **options)
    (tmp_path / "run").rename(tmp_path / "moved")
    again = small_run.train(manifest, tmp_path / "moved", **options)
    assert small_run.bits(again) == expected
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_killed_again_and_again_gets_there(
    manifest, whole, tmp_path
):
    """Saves after the first step of every start, dies after the second."""
    for _ in range(3):
        kill(manifest, tmp_path / "run", 2, checkpoint_seconds=0.0)
    again = small_run.train(manifest, tmp_path / "run")
    assert small_run.bits(again) == whole.bits


def die(*arguments):
    raise small_run.Killed


def write_half(model, path):
    path.with_name(f".{path.name}.1.partial").write_bytes(b"half")
    raise small_run.Killed


@pytest.mark.parametrize(
    ("holder", "name", "replacement", "is_written"),
    [
        (training.RunState, "save", die, True),
        (keras_files, "save_weights", write_half, False),
    ],
    ids=["between best weights and checkpoint", "within best weights"],
)
def test_neither_does_a_kill_while_an_epoch_is_saved(
    holder, name, replacement, is_written, manifest, whole, tmp_path
):
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holder, name, replacement)
        with pytest.raises(small_run.Killed):
            small_run.train(manifest, folder)
    assert (folder / training.BEST_WEIGHTS).is_file() == is_written
    assert small_run.bits(small_run.train(manifest, folder)) == whole.bits
    assert best_weights(folder) == whole.best


def test_patience_goes_on_over_a_kill(manifest, tmp_path):
    """At a rate of 0 no epoch is better than the first."""
    options = {"rate": 0.0, "patience": 2, "epochs": 9}
    kill(manifest, tmp_path / "run", 2 * AN_EPOCH + 1, **options)
    again = small_run.train(manifest, tmp_path / "run", **options)
    assert [row["epoch"] for row in again.state.history] == [0, 1, 2]


def test_a_finished_run_trains_no_more(manifest, whole):
    folder = whole.copies / str(LOOKS)
    again = small_run.train(manifest, folder, small_run.kill_at(1))
    assert small_run.bits(again) == whole.bits
    with pytest.raises(ValueError, match="or one of another model"):
        small_run.train(manifest, folder, metrics=[])


@pytest.mark.programs
def test_a_kill_on_two_devices_changes_nothing(tmp_path):
    printed = output_of(run_program(device_runs.__file__, tmp_path))
    assert set(device_runs.LOOKS) <= set(printed.splitlines())
