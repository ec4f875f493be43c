"""train.py: asked to stop by a signal, or stopped by a loss that is NaN."""

import re
import signal

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
