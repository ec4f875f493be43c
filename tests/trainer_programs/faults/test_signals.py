"""train.py: asked to stop by a signal, or stopped by a loss that is NaN."""

import re
import signal
import types

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import training_batches
from support.runs import killed_training
from support.training.saved_run import number_of_saves
from support.training.saved_run import position
from support.training.saved_run import read_checkpoint

pytestmark = pytest.mark.stress

SAVES = 9  # before the signal comes: in the second epoch
SIGNALS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture(scope="module")
def stopped(data_dir, tmp_path_factory):
    """Errors and checkpoints of runs that got a signal, by its name."""
    folder = tmp_path_factory.mktemp("signals")
    processes = {
        x: killed_training.start(data_dir, folder / x.name, epochs=1000)
        for x in SIGNALS
    }
    found = {}
    for number, process in processes.items():
        directory = folder / number.name
        killed_training.wait_until(
            process,
            lambda x=directory: number_of_saves(x) >= SAVES,
        )
        process.send_signal(number)
        _, errors = process.communicate()
        found[number] = types.SimpleNamespace(
            errors=errors,
            status=process.returncode,
            position=position(directory),
        )
    return found


@pytest.fixture(scope="module")
def exploded(data_dir, tmp_path_factory):
    """A run whose learning rate destroys the weights in its second epoch."""
    folder = tmp_path_factory.mktemp("exploded") / "run"
    process = killed_training.start(
        data_dir,
        folder,
        epochs=3,
        schedule="step",
        drop_epochs=1,
        drop_factor=1e40,
    )
    _, errors = process.communicate()
    return types.SimpleNamespace(
        folder=folder, errors=errors, status=process.returncode
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_with_a_message_and_a_checkpoint(number, stopped):
    run = stopped[number]
    assert run.status == 1
    assert f"Stopped by {number.name} after" in run.errors
    assert "The same command resumes from there." in run.errors
    assert "Traceback" not in run.errors
    epoch, step, history = stopped[number].position
    place = f"epoch {epoch},"
    if step:
        place = f"step {step} of epoch {epoch + 1},"
    assert f"after {place} which is saved" in stopped[number].errors
    assert epoch >= 1 and len(history) == epoch


def test_a_loss_that_is_not_finite_names_epoch_step_and_clips(
    exploded, data_dir
):
    assert exploded.status == 1 and "Traceback" not in exploded.errors
    place = re.search(r"at step (\d+) of epoch 2\.", exploded.errors)
    assert place, exploded.errors[-2000:]
    batches = training_batches(
        Manifest.load(data_dir),
        batch_size=killed_training.FLAGS["batch_size"],
        first_epoch=1,
        first_step=int(place[1]),
        with_ids=True,
    )
    ids = [x.decode() for x in next(iter(batches))[2].numpy()]
    assert f"contains the clips {', '.join(ids)}. Lower" in exploded.errors


def test_the_checkpoint_the_best_model_and_the_table_then_stay(exploded):
    place = re.search(r"at step (\d+) of epoch 2\.", exploded.errors)
    epoch, step, _ = position(exploded.folder)
    assert (epoch, step) == (1, int(place[1]))
    values = read_checkpoint(exploded.folder).values()
    arrays = [x for x in values if getattr(x, "dtype", None) == "float32"]
    assert len(arrays) > 5 and all(np.isfinite(x).all() for x in arrays)
    assert (exploded.folder / "best.weights.h5").is_file()
    assert len(killed_training.epochs_of(exploded.folder)) == 1
    assert not (exploded.folder / "result.json").exists()
