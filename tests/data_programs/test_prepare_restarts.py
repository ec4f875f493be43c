"""data/flash_mnist/prepare.py, killed, started again and started once more."""

import os
import shutil
import signal
import types

import pytest

from ac_keras.pipeline import Manifest
from support.datasets.flash_mnist_runs import NUM_SHARDS
from support.datasets.flash_mnist_runs import PROGRAM
from support.datasets.flash_mnist_runs import complete_run
from support.datasets.flash_mnist_runs import make_run
from support.datasets.prepared_folder import differing_files
from support.datasets.prepared_folder import folder_contents

pytestmark = pytest.mark.stress

# Of the weights, half written, and of a plan whose manifest is there already.
LEFT_BY_KILLS = [
    ".frame_cnn.weights.h5.4711.partial.weights.h5",
    "writing.json",
]


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return complete_run(tmp_path_factory)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run killed in pretraining, killed half-way and run to its end."""
    parent = tmp_path_factory.mktemp("interrupted")
    directory, half_way = parent / "ended", parent / "half_way"
    codes = [PROGRAM.kill_at("Pretraining the CNN", directory)]
    in_pretraining = sorted(folder_contents(directory))
    codes.append(PROGRAM.kill_at(" 3/11 [", directory))
    shutil.copytree(directory, half_way)
    PROGRAM.run_well(directory)
    return types.SimpleNamespace(
        directory=directory,
        half_way=half_way,
        return_codes=codes,
        files_in_pretraining=in_pretraining,
    )


@pytest.fixture(scope="module")
def again(complete, tmp_path_factory):
    """The same command on a complete folder, with what kills may leave."""
    directory = tmp_path_factory.mktemp("again") / "run"
    shutil.copytree(complete.directory, directory)
    for name in LEFT_BY_KILLS:
        (directory / name).write_text("{}")
    return make_run(directory)


@pytest.fixture(scope="module")
def older(complete, tmp_path_factory):
    """The same command on a folder that does not keep the frames' digits."""
    directory = tmp_path_factory.mktemp("older") / "run"
    shutil.copytree(complete.directory, directory)
    (directory / "frame_digits.npz").unlink()
    return make_run(directory)


def test_kills_leave_the_plan_and_whole_shards(interrupted):
    assert interrupted.return_codes == [-signal.SIGKILL] * 2
    assert interrupted.files_in_pretraining == ["writing.json"]
    left = folder_contents(interrupted.half_way)
    shards = [name for name in left if name.endswith(".tfrecord")]
    whole = folder_contents(interrupted.directory)
    assert 3 <= len(shards) < sum(NUM_SHARDS.values())
    assert all(left[name] == whole[name] for name in shards)


def test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one(
    interrupted, complete
):
    with pytest.raises(FileNotFoundError, match="continues when started"):
        Manifest.load(interrupted.half_way)
    assert not differing_files(complete.directory, interrupted.directory)
    assert len(folder_contents(complete.directory)) == 15


def test_the_number_of_cores_changes_no_byte(complete, tmp_path):
    PROGRAM.run_well(tmp_path, cores={min(os.sched_getaffinity(0))})
    assert not differing_files(complete.directory, tmp_path)


def test_the_same_command_again_sweeps_what_kills_left_and_no_more(
    again, complete
):
    assert again.said == f"{again.directory} is complete already.\n"
    assert not differing_files(complete.directory, again.directory)


def test_the_same_command_adds_the_frames_digits_to_an_older_folder(
    complete, older
):
    assert not differing_files(complete.directory, older.directory)
    name = older.directory / "frame_digits.npz"
    assert older.said.splitlines()[1:] == [f"{name} was added."]
