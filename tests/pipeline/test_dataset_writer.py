"""A dataset folder: its files, and nothing where something went wrong."""

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset
from support.records.plain_records import folder_contents
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import read_records
from support.records.plain_records import serialize
from support.records.small_shards import SHARDS
from support.records.small_shards import clips_of
from support.records.small_shards import make_writer


def stop_after(clips, count):
    yield from clips[:count]
    raise RuntimeError("stopped")


def test_the_same_clips_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        make_writer(tmp_path / name).write(clips_of)
    first = folder_contents(tmp_path / "first")
    assert first == folder_contents(tmp_path / "second")
    assert sum(map(len, first.values())) > 500


def test_other_clips_give_other_bytes(tmp_path):
    first = tmp_path / "first"
    make_writer(first).write(clips_of)
    shards = {**SHARDS, "test": [draw_clips(describe(), 2, seed=10)]}
    write_dataset(tmp_path / "second", describe(), **shards)
    name = "test-00000-of-00001.tfrecord"
    second = folder_contents(tmp_path / "second")
    assert folder_contents(first)[name] != second[name]


def test_a_folder_holds_a_file_a_shard_and_the_manifest(tmp_path):
    make_writer(tmp_path).write(clips_of)
    assert sorted(folder_contents(tmp_path)) == [
        "manifest.json",
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
        "train-00002-of-00003.tfrecord",
    ]


def test_a_shard_holds_its_clips_records_in_order(tmp_path):
    make_writer(tmp_path).write(clips_of)
    records = read_records(tmp_path / "train-00001-of-00003.tfrecord")
    assert records == [
        serialize(make_example(x.id, x.labels, rgb=pack(x.frames["rgb"])))
        for x in SHARDS["train"][1]
    ]


def test_a_record_is_serialized_deterministically(tmp_path):
    names = ["zoom", "b", "rgb", "y", "audio", "c", "x", "a"]
    modalities = {name: Modality(1) for name in names}
    frames = {name: np.ones((1, 1), "float32") for name in names}
    clips = [Clip("first", (0,), frames)]
    write_dataset(tmp_path, describe(modalities), train=[clips])
    (record,) = read_records(tmp_path / "train-00000-of-00001.tfrecord")
    stored = {name: pack([[1]]) for name in reversed(names)}
    assert record == serialize(make_example("first", [0], **stored))


def test_the_order_in_which_shards_are_written_does_not_matter(tmp_path):
    make_writer(tmp_path / "first").write(clips_of)
    writer = make_writer(tmp_path / "second")
    for split, index in reversed(writer.missing_shards()):
        writer.write_shard(split, index, clips_of(split, index))
    writer.finish()
    second = folder_contents(tmp_path / "second")
    assert folder_contents(tmp_path / "first") == second


def test_write_gives_the_manifest_of_the_folder(tmp_path):
    manifest = make_writer(tmp_path).write(clips_of)
    assert manifest.dump() == Manifest.load(tmp_path).dump()
    assert manifest.split("train").num_clips == 9


def test_folders_on_the_way_are_made(tmp_path):
    directory = tmp_path / "a" / "b"
    make_writer(directory).write(clips_of)
    assert Manifest.load(directory).split("test").num_clips == 2


def test_a_shard_without_clips_is_a_file_without_records(tmp_path):
    shards = [SHARDS["train"][0], []]
    manifest = write_dataset(tmp_path, describe(), train=shards)
    assert [x.num_clips for x in manifest.split("train").shards] == [3, 0]
    assert (tmp_path / "train-00001-of-00002.tfrecord").read_bytes() == b""


def test_an_exception_in_a_shard_leaves_no_file_of_it(tmp_path):
    writer = make_writer(tmp_path)
    with pytest.raises(RuntimeError, match="stopped"):
        writer.write_shard("train", 0, stop_after(SHARDS["train"][0], 2))
    assert list(folder_contents(tmp_path)) == ["writing.json"]


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


def test_a_clip_that_does_not_fit_leaves_no_file(tmp_path):
    bad = Clip("bad", (9,), {"rgb": np.ones((1, 3), "float32")})
    writer = make_writer(tmp_path)
    with pytest.raises(ValueError, match="'bad'"):
        writer.write_shard("train", 0, [*SHARDS["train"][0], bad])
    assert list(folder_contents(tmp_path)) == ["writing.json"]


def test_a_folder_is_no_dataset_until_the_last_shard(tmp_path):
    writer = make_writer(tmp_path)
    writer.write_shard("train", 0, SHARDS["train"][0])
    assert not writer.is_complete
    with pytest.raises(FileNotFoundError, match="manifest.json"):
        Manifest.load(tmp_path)


def test_finish_refuses_a_folder_with_shards_missing(tmp_path):
    writer = make_writer(tmp_path)
    writer.write_shard("train", 0, SHARDS["train"][0])
    with pytest.raises(RuntimeError, match="3 missing, first .*'train', 1"):
        writer.finish()
    assert not writer.is_complete
