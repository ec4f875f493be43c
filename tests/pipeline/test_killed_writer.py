"""A writer that is really killed leaves nothing that reads as a dataset."""

import pathlib
import shutil
import signal
from subprocess import PIPE

import pytest

from ac_keras.pipeline import Manifest
from support.programs import start_program
from support.records import blocking_writer
from support.records.plain_records import folder_contents

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def as_killed(tmp_path_factory):
    """The folder of a process that was killed in its second shard."""
    directory = tmp_path_factory.mktemp("killed")
    program = blocking_writer.__file__
    with start_program(program, directory, stdin=PIPE) as process:
        line = process.stdout.readline()
        process.kill()
        errors = process.stderr.read()
    assert line == "in the middle\n", errors
    assert process.returncode == -signal.SIGKILL
    return directory


@pytest.fixture
def killed(as_killed, tmp_path):
    """A copy of that folder, for one test."""
    return pathlib.Path(shutil.copytree(as_killed, tmp_path / "killed"))


def test_the_shards_before_the_kill_are_there_and_half_a_one(killed):
    names = sorted(folder_contents(killed))
    assert names[0].startswith(".train-00001-of-00003.tfrecord.")
    assert names[1:] == ["train-00000-of-00003.tfrecord", "writing.json"]


def test_a_killed_writers_folder_is_refused(killed):
    with pytest.raises(FileNotFoundError, match="continues when started"):
        Manifest.load(killed)


def test_another_run_goes_on_after_the_last_whole_shard(killed):
    missing = blocking_writer.make_writer(killed).missing_shards()
    assert missing == [("train", 1), ("train", 2), ("test", 0)]


def test_another_run_ends_with_the_bytes_of_a_run_without_kill(
    killed, tmp_path
):
    blocking_writer.make_writer(killed).write(blocking_writer.clips_of)
    whole = tmp_path / "whole"
    blocking_writer.make_writer(whole).write(blocking_writer.clips_of)
    assert folder_contents(killed) == folder_contents(whole)
    assert Manifest.load(killed).split("train").num_clips == 12
