"""Checkpoints: what is saved, restored, swept and refused."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.training import RunState

HISTORY = [{"epoch": 0, "loss": 0.1 + 0.2, "seconds": 1.5}]


def variables(fill=None):
    values = np.random.default_rng(0).normal(size=(40, 3))
    values = values if fill is None else np.full_like(values, fill)
    return [
        tf.Variable(values, dtype=tf.float32),
        tf.Variable(0 if fill is None else fill, dtype=tf.int64),
    ]


@pytest.fixture
def folder(tmp_path):
    """Three checkpoints, of which the last two are kept."""
    weights, count = variables()
    state = RunState(tmp_path / "checkpoints", [weights, count])
    for step in range(1, 4):
        count.assign(step)
        state.epoch, state.step, state.history = 1, step, HISTORY
        state.save()
    return tmp_path / "checkpoints"


def restore(folder):
    """Gives a new state, and its variables, after restoring."""
    found = variables(fill=9)
    state = RunState(folder, found)
    assert state.restore()
    return state, found


def files(folder, name):
    return sorted(x for x in folder.iterdir() if x.name.startswith(name))


def test_everything_comes_back(folder):
    state, (weights, count) = restore(folder)
    assert (state.epoch, state.step, state.history) == (1, 3, HISTORY)
    np.testing.assert_array_equal(weights, variables()[0])
    assert count.numpy() == 3


def test_an_empty_folder_has_nothing_to_restore(tmp_path):
    found = variables(fill=9)
    assert not RunState(tmp_path / "none", found).restore()
    assert found[1].numpy() == 9


def test_a_first_checkpoint_that_was_never_finished_does_not_count(folder):
    (folder / "checkpoint").unlink()
    assert not RunState(folder, variables(fill=9)).restore()


def test_the_oldest_is_removed(folder):
    assert not files(folder, "ckpt-1")
    assert files(folder, "ckpt-2") and files(folder, "ckpt-3")


def test_what_was_never_finished_is_swept(folder):
    half = folder / "ckpt-4_temp"
    half.mkdir()
    (half / "part-00000-of-00001").write_bytes(b"half")
    (folder / "ckpt-4.data-00000-of-00001").write_bytes(b"half")
    (folder / "ckpt-4.index").write_bytes(b"half")
    state, _ = restore(folder)
    assert state.step == 3 and not files(folder, "ckpt-4")
    assert files(folder, "ckpt-2") and files(folder, "ckpt-3")


def test_saving_goes_on_after_the_newest(folder):
    state, (_, count) = restore(folder)
    state.step = 4
    count.assign(4)
    state.save()
    again, (_, count) = restore(folder)
    assert (again.step, count.numpy()) == (4, 4)
    assert not files(folder, "ckpt-2") and files(folder, "ckpt-4")


def test_another_folder_can_be_read_than_is_written(folder, tmp_path):
    found = variables(fill=9)
    state = RunState(tmp_path / "mine", found)
    assert state.restore(folder) and state.step == 3
    assert files(folder, "ckpt-2") and not (tmp_path / "mine").exists()


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
@pytest.mark.parametrize("length", [0, 1, 100])
def test_a_newest_checkpoint_cut_short_is_refused(part, length, folder):
    path = folder / f"ckpt-3.{part}"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="corrupt checkpoint.*remove its"):
        restore(folder)


def test_a_changed_byte_is_refused(folder):
    path = folder / "ckpt-3.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a corrupt checkpoint"):
        restore(folder)


def test_without_its_files_the_one_before_is_taken_and_saving_goes_on(folder):
    for path in files(folder, "ckpt-3"):
        path.unlink()
    state, (_, count) = restore(folder)
    assert (state.step, count.numpy()) == (2, 2)
    for step in (3, 4):
        state.step = step
        state.save()
    assert restore(folder)[0].step == 4


def test_a_folder_that_lost_its_checkpoints_is_refused(folder):
    for path in files(folder, "ckpt-"):
        path.unlink()
    with pytest.raises(ValueError, match="to name a checkpoint in its folder"):
        restore(folder)


@pytest.mark.parametrize("content", ["", "model_checkpoint", "\x00\x01"])
def test_a_list_of_checkpoints_that_cannot_be_read_is_refused(content, folder):
    (folder / "checkpoint").write_text(content)
    with pytest.raises(ValueError, match="no readable name.* remove it"):
        restore(folder)


@pytest.mark.parametrize("count", [1, 3])
def test_a_checkpoint_of_other_variables_is_refused(count, folder):
    state = RunState(folder, (variables() + variables())[:count])
    with pytest.raises(ValueError, match="of this model and optimizer"):
        state.restore()


def test_a_checkpoint_of_other_shapes_is_refused(folder):
    state = RunState(folder, [tf.Variable([1.0]), variables()[1]])
    with pytest.raises(ValueError, match="of this model and optimizer"):
        state.restore()


def test_all_can_be_removed(folder):
    state, _ = restore(folder)
    state.remove()
    assert not folder.exists()
