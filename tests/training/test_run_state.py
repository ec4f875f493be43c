"""Checkpoints: what is saved, restored, swept and rejected."""

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
    """Returns a new state, and its variables, after restoring."""
    found = variables(fill=9)
    state = RunState(folder, found)
    assert state.restore()
    return state, found


def files(folder, name):
    return sorted(x for x in folder.iterdir() if x.name.startswith(name))


def test_all_comes_back_from_the_newest_of_two_and_can_be_removed(folder):
    state, (weights, count) = restore(folder)
    assert (state.epoch, state.step, state.history) == (1, 3, HISTORY)
    np.testing.assert_array_equal(weights, variables()[0])
    assert count.numpy() == 3
    assert not files(folder, "ckpt-1") and files(folder, "ckpt-2")
    state.remove()
    assert not folder.exists()


def test_a_folder_without_a_finished_checkpoint_has_nothing_to_restore(
    tmp_path, folder
):
    found = variables(fill=9)
    assert not RunState(tmp_path / "none", found).restore()
    assert found[1].numpy() == 9
    (folder / "checkpoint").unlink()
    assert not RunState(folder, variables(fill=9)).restore()


def test_what_was_never_finished_is_swept(folder):
    half = folder / "ckpt-4_temp"
    half.mkdir()
    (half / "part-00000-of-00001").write_bytes(b"half")
    (folder / "ckpt-4.data-00000-of-00001").write_bytes(b"half")
    (folder / "ckpt-4.index").write_bytes(b"half")
    state, _ = restore(folder)
    assert state.step == 3 and not files(folder, "ckpt-4")
    assert files(folder, "ckpt-2") and files(folder, "ckpt-3")


def test_another_folder_can_be_read_than_is_written(folder, tmp_path):
    found = variables(fill=9)
    state = RunState(tmp_path / "mine", found)
    assert state.restore(folder) and state.step == 3
    assert files(folder, "ckpt-2") and not (tmp_path / "mine").exists()


def change_a_byte(content):
    middle = len(content) // 2
    changed = bytes([content[middle] ^ 255])
    return content[:middle] + changed + content[middle + 1 :]


DATA, INDEX = "ckpt-3.data-00000-of-00001", "ckpt-3.index"
CORRUPT = "corrupt checkpoint.*remove its"
UNREADABLE = "no readable name.* remove it"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        *((x, lambda content: b"", CORRUPT) for x in (DATA, INDEX)),
        *((x, lambda content: content[:1], CORRUPT) for x in (DATA, INDEX)),
        *((x, lambda content: content[:100], CORRUPT) for x in (DATA, INDEX)),
        (DATA, change_a_byte, CORRUPT),
        ("checkpoint", lambda content: b"", UNREADABLE),
        ("checkpoint", lambda content: b"model_checkpoint", UNREADABLE),
        ("checkpoint", lambda content: b"\x00\x01", UNREADABLE),
    ],
)
def test_a_newest_checkpoint_that_cannot_be_read_is_rejected(
    name, change, message, folder
):
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        restore(folder)


@pytest.mark.parametrize("lost", [None, "ckpt-3"])
def test_saving_goes_on_after_the_newest_that_has_its_files(lost, folder):
    newest = 3
    if lost:
        newest = 2
        for path in files(folder, lost):
            path.unlink()
    state, (_, count) = restore(folder)
    assert (state.step, count.numpy()) == (newest, newest)
    for step in range(newest + 1, 5):
        state.step = step
        count.assign(step)
        state.save()
    again, (_, count) = restore(folder)
    assert (again.step, count.numpy()) == (4, 4)
    assert not files(folder, "ckpt-2") and files(folder, "ckpt-4")


def test_a_folder_that_lost_its_checkpoints_is_refused(folder):
    for path in files(folder, "ckpt-"):
        path.unlink()
    with pytest.raises(ValueError, match="to name a checkpoint in its folder"):
        restore(folder)


@pytest.mark.parametrize(
    "others",
    [
        lambda: variables()[:1],
        lambda: [*variables(), tf.Variable(0)],
        lambda: [tf.Variable([1.0]), variables()[1]],
    ],
)
def test_a_checkpoint_of_other_variables_is_rejected(others, folder):
    state = RunState(folder, others())
    with pytest.raises(ValueError, match="of this model and optimizer"):
        state.restore()
