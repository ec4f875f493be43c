"""What is broken since it was repaired, and clips that are too long."""

import pathlib

import pytest
import tensorflow as tf

from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import find_damage
from ac_keras.pipeline import skip_damage
from support.records import broken_files
from support.records.drawn_dataset import write_numbered
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize

SKIPPED = (0, 5, 6, 12)
LONG = serialize(make_example("long", [0], rgb=pack([[1, 2, 3]] * 5)))


@pytest.fixture
def manifest(tmp_path):
    return write_numbered(tmp_path, (13, 3), num_frames=2)


@pytest.fixture
def path(manifest):
    return pathlib.Path(manifest.paths("train")[0])


@pytest.fixture
def places(path):
    return broken_files.record_places(path)


@pytest.fixture
def repaired(manifest, path, places):
    """Without the first record, two neighbours and the file's last one."""
    for index in SKIPPED:
        broken_files.flip(path, places[index] + broken_files.HEADER)
    repaired, damage = skip_damage(manifest, ["train"])
    assert [x.offset for x in damage] == [places[x] for x in SKIPPED]
    return repaired


def test_what_is_left_out_is_not_told_again(repaired):
    assert list(find_damage(repaired, "train")) == []


@pytest.mark.parametrize("index", [1, 3, 4, 7, 11])
def test_what_broke_since_then_is_told_first(repaired, path, places, index):
    broken_files.flip(path, places[index] + broken_files.HEADER)
    first, *_ = find_damage(repaired, "train")
    assert first.offset == places[index]


def test_a_file_of_which_nothing_is_left_tells_nothing(manifest, path, places):
    for place in places[:-1]:
        broken_files.flip(path, place + broken_files.HEADER)
    repaired, damage = skip_damage(manifest, ["train"])
    assert len(damage) == 13
    assert list(find_damage(repaired, "train")) == []


def test_a_split_without_damage_is_not_a_repaired_one(manifest, repaired):
    whole = write_numbered(manifest.directory / "whole", (13, 3), num_frames=2)
    unchanged, damage = skip_damage(whole, ["train"])
    assert damage == [] and not unchanged.split("train").is_repaired
    assert repaired.split("train").is_repaired
    broken, sound = repaired.split("train").shards
    assert (broken.num_clips, sound.num_clips) == (9, 3)
    assert sound == manifest.split("train").shards[1]


@pytest.fixture
def too_long(manifest, path):
    """Record 4 has five frames, where the manifest tells of two."""
    broken_files.replace_record(path, 4, LONG)
    return broken_files.with_true_sizes(manifest)


def test_a_clip_longer_than_the_manifest_tells_is_damage(too_long, path):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more frames"):
        list(evaluation_batches(too_long, "train", batch_size=4))
    (damage,) = find_damage(too_long, "train")
    assert damage.offset == broken_files.record_places(path)[4]
    assert "no more frames than the manifest tells" in damage.reason


def test_around_a_clip_that_is_too_long_all_are_read(too_long):
    repaired, _ = skip_damage(too_long, ["train"])
    batches = evaluation_batches(repaired, "train", batch_size=4)
    numbers = [int(x) for b in batches for x in b[0]["rgb"][:, 0, 0].numpy()]
    assert numbers == [x for x in range(16) if x != 4]
