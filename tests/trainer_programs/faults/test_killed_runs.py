"""train.py: killed and started again, stopped by a signal or by a NaN loss."""

import re
import signal
import types

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import training_batches
from support.runs import killed_training
from support.runs.tiny_dataset import SIZES
from support.training.saved_run import number_of_saves
from support.training.saved_run import position
from support.training.saved_run import read_checkpoint

pytestmark = pytest.mark.stress

EPOCHS = 5
SAVES = 9  # before the signal comes: in the second epoch
MOMENTS = {  # Part of a file's name at the moment when the run is killed.
    "starting": "flags.json",
    "writing a checkpoint": "_temp",
    "writing the best weights": ".best.weights.h5.",
    "evaluating": "",
    "finishing": "model.keras",
}


def kill_at(moment, data_dir, output_dir):
    """Starts, waits until there is something new, then for the moment."""
    saves = number_of_saves(output_dir)
    process = killed_training.start(data_dir, output_dir, epochs=EPOCHS)

    def is_time():
        newest = number_of_saves(output_dir)
        if newest <= saves + 1 and moment != "starting":
            return False
        if moment == "evaluating":  # after an epoch's last step
            steps = killed_training.STEPS
            return newest % (steps + 1) == steps
        return killed_training.holds(output_dir, MOMENTS[moment])

    killed_training.wait_until(process, is_time)
    process.kill()
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors[-4000:]
    return position(output_dir) or (0, 0, [])


@pytest.fixture(scope="module")
def runs(data_dir, tmp_path_factory):
    """A run that was never killed, while another one was again and again."""
    folder = tmp_path_factory.mktemp("kills")
    whole, killed = folder / "whole", folder / "killed"
    process = killed_training.start(data_dir, whole, epochs=EPOCHS)
    positions = [kill_at(moment, data_dir, killed) for moment in MOMENTS]
    again = killed_training.start(data_dir, killed, epochs=EPOCHS)
    killed_training.output_of(process)
    killed_training.output_of(again)
    return types.SimpleNamespace(
        whole=whole, killed=killed, positions=positions
    )


def contents(folder):
    return {x: x.read_bytes() for x in folder.rglob("*") if x.is_file()}


def test_it_was_killed_on_its_way(runs):
    steps = SIZES["train"] // killed_training.FLAGS["batch_size"]
    assert steps == killed_training.STEPS
    places = [(epoch, step) for epoch, step, _ in runs.positions]
    assert places == sorted(places)
    assert places[0] == (0, 0) < places[1] < (EPOCHS, 0)
    assert places[-1] == (EPOCHS, 0)  # Trained, and not finished.


def test_a_killed_run_ends_with_the_same_weights_epochs_and_files(runs):
    assert killed_training.same_weights(runs.whole, runs.killed)
    epochs = killed_training.epochs_of(runs.whole)
    assert [row["epoch"] for row in epochs] == list(map(str, range(EPOCHS)))
    assert float(epochs[-1]["loss"]) < float(epochs[0]["loss"])
    assert killed_training.epochs_of(runs.killed) == epochs
    names = killed_training.lasting_names(runs.killed)
    assert names == killed_training.lasting_names(runs.whole)
    assert {"saved_model/1", "result.json", "report.html"} <= names
    assert not [x for x in names if "partial" in x or "checkpoints" in x]


def test_a_finished_run_changes_nothing_and_rejects_another_one(
    runs, data_dir, multi_label_dir
):
    before = contents(runs.killed)
    process = killed_training.start(
        data_dir,
        runs.killed,
        epochs=EPOCHS,
        checkpoint_minutes=7,
        log_steps=9,
    )
    output = killed_training.output_of(process)
    assert f"{runs.killed} is complete: see" in output
    process = killed_training.start(
        multi_label_dir, runs.killed, epochs=EPOCHS + 1, dropout=0.25
    )
    _, errors = process.communicate()
    assert process.returncode == 1
    assert f"dropout: 0.5 there, 0.25 now; epochs: {EPOCHS} there" in errors
    assert "manifest_sha256" in errors
    assert "Traceback" not in errors and "data_dir" not in errors
    assert contents(runs.killed) == before and len(before) > 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_with_a_message_and_a_checkpoint(
    number, data_dir, tmp_path
):
    process = killed_training.start(data_dir, tmp_path, epochs=1000)
    killed_training.wait_until(
        process, lambda: number_of_saves(tmp_path) >= SAVES
    )
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 1 and "Traceback" not in errors
    assert "The same command resumes from there." in errors
    epoch, step, history = position(tmp_path)
    place = f"step {step} of epoch {epoch + 1}" if step else f"epoch {epoch}"
    assert f"Stopped by {number.name} after {place}, which is saved" in errors
    assert epoch >= 1 and len(history) == epoch


def test_a_loss_that_is_not_finite_names_the_clips_and_keeps_the_step_before(
    data_dir, tmp_path
):
    """The learning rate destroys the weights in the second epoch."""
    process = killed_training.start(
        data_dir,
        tmp_path,
        epochs=3,
        classifier_lr_multiplier=1,
        schedule="step",
        drop_epochs=1,
        drop_factor=1e40,
    )
    _, errors = process.communicate()
    assert process.returncode == 1 and "Traceback" not in errors
    place = re.search(r"at step (\d+) of epoch 2\.", errors)
    assert place, errors[-2000:]
    batches = training_batches(
        Manifest.load(data_dir),
        batch_size=killed_training.FLAGS["batch_size"],
        first_epoch=1,
        first_step=int(place[1]),
        with_ids=True,
    )
    ids = [x.decode() for x in next(iter(batches))[2].numpy()]
    assert f"contains the clips {', '.join(ids)}. Lower" in errors
    assert position(tmp_path)[:2] == [1, int(place[1])]
    values = read_checkpoint(tmp_path).values()
    arrays = [x for x in values if getattr(x, "dtype", None) == "float32"]
    assert len(arrays) > 5 and all(np.isfinite(x).all() for x in arrays)
    assert (tmp_path / "best.weights.h5").is_file()
    assert len(killed_training.epochs_of(tmp_path)) == 1
    assert not (tmp_path / "result.json").exists()
