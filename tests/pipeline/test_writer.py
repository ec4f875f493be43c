"""DatasetWriter: files, errors and restarts."""

import json
import pathlib
import re
import shutil
import signal
from subprocess import PIPE

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from support.programs import start_program
from support.records import blocking_writer
from support.records.drawn_dataset import RGB
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset
from support.records.plain_records import folder_contents
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import read_records
from support.records.plain_records import serialize

SHARDS = {
    "train": [draw_clips(describe(), 3, seed) for seed in range(3)],
    "test": [draw_clips(describe(), 2, seed=9)],
}
COUNTS = {"train": 3, "test": 1}


def make_writer(directory, counts=None, **kwargs):
    return DatasetWriter(directory, describe(**kwargs), counts or COUNTS)


def clips_of(split, index):
    return SHARDS[split][index]


def refuse_to_give(split, index):
    raise AssertionError(f"asked for {split} {index}")


def stop_after(clips, count):
    yield from clips[:count]
    raise RuntimeError("stopped")


def test_a_folder_holds_a_file_a_shard_and_the_manifest(tmp_path):
    directory = tmp_path / "a" / "b"
    manifest = make_writer(directory).write(clips_of)
    assert sorted(folder_contents(directory)) == [
        "manifest.json",
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
        "train-00002-of-00003.tfrecord",
    ]
    assert manifest.dump() == Manifest.load(directory).dump()
    assert manifest.split("train").num_clips == 9


def test_the_same_clips_in_any_order_of_shards_give_the_same_bytes(tmp_path):
    names = ("first", "second", "third")
    for name in names[:2]:
        make_writer(tmp_path / name).write(clips_of)
    writer = make_writer(tmp_path / "third")
    for split, index in reversed(writer.missing_shards()):
        writer.write_shard(split, index, clips_of(split, index))
    writer.finish()
    first, second, third = (folder_contents(tmp_path / x) for x in names)
    assert first == second == third
    assert sum(map(len, first.values())) > 500


def test_a_shard_holds_its_clips_records_in_order(tmp_path):
    names = ["zoom", "b", "rgb", "y", "audio", "c", "x", "a"]
    modalities = {name: Modality(1) for name in names}
    clips = [
        Clip(f"c{i}", (i,), {name: np.full((2, 1), i) for name in names})
        for i in range(3)
    ]
    shards = [[], clips]
    manifest = write_dataset(tmp_path, describe(modalities), train=shards)
    assert [x.num_clips for x in manifest.split("train").shards] == [0, 3]
    assert (tmp_path / "train-00000-of-00002.tfrecord").read_bytes() == b""
    assert read_records(tmp_path / "train-00001-of-00002.tfrecord") == [
        serialize(
            make_example(
                x.id,
                x.labels,
                **{n: pack(x.frames[n]) for n in reversed(names)},
            )
        )
        for x in clips
    ]


def test_an_exception_leaves_the_shards_before_it(tmp_path):
    def stop_in_the_third(split, index):
        clips = clips_of(split, index)
        return stop_after(clips, 1) if index == 2 else clips

    with pytest.raises(RuntimeError, match="stopped"):
        make_writer(tmp_path).write(stop_in_the_third)
    assert sorted(folder_contents(tmp_path)) == [
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
        "writing.json",
    ]
    plan = json.loads((tmp_path / "writing.json").read_text())
    assert plan["num_shards"] == COUNTS


BAD = Clip("bad", (9,), {"rgb": np.ones((1, 3), "float32")})


@pytest.mark.parametrize(
    "clips, error, message",
    [
        (stop_after(SHARDS["train"][0], 2), RuntimeError, "stopped"),
        ([*SHARDS["train"][0], BAD], ValueError, "'bad'"),
    ],
    ids=["exception", "bad clip"],
)
def test_a_shard_that_fails_leaves_no_file(tmp_path, clips, error, message):
    writer = make_writer(tmp_path)
    with pytest.raises(error, match=message):
        writer.write_shard("train", 0, clips)
    assert list(folder_contents(tmp_path)) == ["writing.json"]


@pytest.mark.parametrize("before", [["train"], ["test"], ["train", "test"]])
def test_a_writer_started_again_writes_the_missing_shards_only(
    tmp_path, before
):
    make_writer(tmp_path / "at once").write(clips_of)
    directory = tmp_path / "in two"
    writer, asked = make_writer(directory), []
    for split in before:
        writer.write_shard(split, 0, clips_of(split, 0))
    missing = writer.missing_shards()
    message = re.escape(f"{len(missing)} missing, first {missing[0]}")
    with pytest.raises(RuntimeError, match=message):
        writer.finish()
    assert not writer.is_complete
    with pytest.raises(FileNotFoundError, match="manifest.json"):
        Manifest.load(directory)

    def clips_and_note(split, index):
        asked.append((split, index))
        return clips_of(split, index)

    make_writer(directory).write(clips_and_note)
    assert not {(split, 0) for split in before} & set(asked)
    assert len(asked) == 4 - len(before)
    assert folder_contents(directory) == folder_contents(tmp_path / "at once")


CHANGES = {
    "seed": ({"seed": 8}, "seed: expected 8, found 7"),
    "name": ({"name": "huge"}, 'name: expected "huge", found "tiny"'),
    "settings": (
        {"settings": {"fps": 30}},
        'settings: expected {"fps": 30}, found {"fps": 25}',
    ),
    "no setting": ({"settings": {}}, 'expected {}, found {"fps": 25}'),
    "labels": (
        {"multi_label": True},
        "multi_label: expected true, found false",
    ),
    "classes": (
        {"class_names": ("a", "b")},
        'class_names: expected ["a", "b"]',
    ),
    "modalities": ({"modalities": THREE}, 'found {"rgb": {"dim": 3'),
    "shards": ({"counts": {"train": 4}}, 'num_shards: expected {"train": 4}'),
}
BEGUN = {"modalities": RGB, "seed": 7, "settings": {"fps": 25}}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_another_description_is_refused_with_the_difference(
    tmp_path, change, complete
):
    writer = make_writer(tmp_path, **BEGUN)
    if complete:
        writer.write(clips_of)
    before = folder_contents(tmp_path)
    changes, difference = CHANGES[change]
    with pytest.raises(ValueError, match=re.escape(difference)) as error:
        make_writer(tmp_path, **{**BEGUN, **changes})
    assert str(error.value).count("expected ") == 1  # no other difference
    assert "Name another folder" in str(error.value)
    assert folder_contents(tmp_path) == before


def test_a_long_difference_is_cut(tmp_path):
    make_writer(tmp_path)
    names = tuple(f"class {i}" for i in range(1000))
    with pytest.raises(ValueError, match=r"class 1.*\.\.\.") as error:
        make_writer(tmp_path, class_names=names)
    assert len(str(error.value)) < 1000


def test_a_folder_with_records_of_others_is_refused(tmp_path):
    (tmp_path / "cats.tfrecord").write_bytes(b"")
    with pytest.raises(ValueError, match="records and no plan. Name another"):
        make_writer(tmp_path)
    assert list(folder_contents(tmp_path)) == ["cats.tfrecord"]


def test_a_writer_started_again_continues_sums_and_odd_settings(tmp_path):
    """Sums of all modalities, and settings that JSON turns into others."""
    shards = [draw_clips(describe(THREE), 4, seed) for seed in range(2)]
    description = describe(THREE, settings={"size": (3, 4), "rate": 0.1})
    expected = write_dataset(tmp_path / "a", description, train=shards)
    arguments = (tmp_path / "b", description, {"train": 2})
    DatasetWriter(*arguments).write_shard("train", 0, shards[0])
    writer = DatasetWriter(*arguments)
    manifest = writer.write(lambda split, index: shards[index])
    assert manifest.dump() == expected.dump()
    assert manifest.description.settings == {"size": [3, 4], "rate": 0.1}


def test_a_complete_folder_is_left_as_it_is_and_must_be_whole(tmp_path):
    make_writer(tmp_path).write(clips_of)
    before = folder_contents(tmp_path)
    times = {x: x.stat().st_mtime_ns for x in tmp_path.iterdir()}
    writer = make_writer(tmp_path)
    assert writer.is_complete
    assert writer.missing_shards() == []
    assert writer.write(refuse_to_give).split("train").num_clips == 9
    assert folder_contents(tmp_path) == before
    assert {x: x.stat().st_mtime_ns for x in tmp_path.iterdir()} == times
    writer.path("train", 1).unlink()
    with pytest.raises(FileNotFoundError, match="train-00001-of-00003"):
        make_writer(tmp_path).write(refuse_to_give)


def test_what_a_killed_writer_left_is_swept(tmp_path):
    killed = tmp_path / ".train-00000-of-00003.tfrecord.4711.partial"
    make_writer(tmp_path)
    killed.write_bytes(b"half a record")
    make_writer(tmp_path)
    assert list(folder_contents(tmp_path)) == ["writing.json"]


def test_a_writer_killed_between_manifest_and_plan_is_cleaned_up(tmp_path):
    make_writer(tmp_path).write(clips_of)
    before = folder_contents(tmp_path)
    (tmp_path / "writing.json").write_text("{}")
    make_writer(tmp_path).write(refuse_to_give)
    assert folder_contents(tmp_path) == before


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


@pytest.mark.programs
def test_a_killed_writer_leaves_whole_shards_and_no_dataset(as_killed):
    names = sorted(folder_contents(as_killed))
    assert names[0].startswith(".train-00001-of-00003.tfrecord.")
    assert names[1:] == ["train-00000-of-00003.tfrecord", "writing.json"]
    with pytest.raises(FileNotFoundError, match="continues when started"):
        Manifest.load(as_killed)


@pytest.mark.programs
def test_another_run_goes_on_after_the_last_whole_shard(as_killed, tmp_path):
    killed = pathlib.Path(shutil.copytree(as_killed, tmp_path / "killed"))
    writer = blocking_writer.make_writer(killed)
    assert sorted(folder_contents(killed)) == [
        "train-00000-of-00003.tfrecord",
        "writing.json",
    ]
    missing = [("train", 1), ("train", 2), ("test", 0)]
    assert writer.missing_shards() == missing
    writer.write(blocking_writer.clips_of)
    whole = tmp_path / "whole"
    blocking_writer.make_writer(whole).write(blocking_writer.clips_of)
    assert folder_contents(killed) == folder_contents(whole)
    assert Manifest.load(killed).split("train").num_clips == 12
