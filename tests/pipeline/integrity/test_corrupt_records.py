"""Corrupt records are found at their places, and all others are read."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import find_corrupt_records
from ac_keras.pipeline import skip_corrupt_records
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records import broken_files
from support.records.broken_files import HEADER
from support.records.broken_files import UNUSABLE
from support.records.drawn_dataset import write_numbered
from support.records.external_records import describe_videos
from support.records.external_records import draw_video
from support.records.external_records import read
from support.records.external_records import scan
from support.records.external_records import segment_record
from support.records.external_records import video_record
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize

SIZES = (40, 3)  # one file of more than a block, one of less
BROKEN = 35  # the record that is broken, in the first file's second block
PLACES = {  # The byte of the record that is flipped; what is said.
    "its length": (0, "a record whose length has a wrong checksum"),
    "its length's last byte": (7, "a record whose length has a wrong checksum"),
    "its length's checksum": (9, "a record whose length has a wrong checksum"),
    "its data": (HEADER + 5, "a record whose data has a wrong checksum"),
    "its last byte": (-1, "a record whose data has a wrong checksum"),
}


@pytest.fixture
def manifest(tmp_path):
    return write_numbered(tmp_path, SIZES, num_frames=2)


@pytest.fixture
def path(manifest):
    return pathlib.Path(manifest.paths("train")[0])


def found_in(manifest):
    """Returns the records that both functions find; they must be equal."""
    found = list(find_corrupt_records(manifest, "train"))
    assert skip_corrupt_records(manifest, ["train"])[1] == found
    return found


def clips_left(manifest):
    """The numbers of the clips that are read around corrupt records."""
    repaired, _ = skip_corrupt_records(manifest, ["train"])
    batches = evaluation_batches(repaired, "train", batch_size=4)
    numbers = [int(x) for b in batches for x in b[0]["rgb"][:, 0, 0].numpy()]
    assert len(numbers) == repaired.split("train").num_clips
    return numbers


def all_but(*numbers):
    return [x for x in range(sum(SIZES)) if x not in numbers]


def flip_records(path, indices):
    """Changes the data of some records; returns the places of all."""
    places = broken_files.record_places(path)
    for index in indices:
        broken_files.flip(path, places[index] + HEADER)
    return places


@pytest.mark.parametrize("where", PLACES)
def test_a_flipped_byte_costs_its_record_and_no_other(manifest, path, where):
    places = broken_files.record_places(path)
    byte, reason = PLACES[where]
    start = places[BROKEN + 1] if byte < 0 else places[BROKEN]
    broken_files.flip(path, start + byte)
    (found,) = found_in(manifest)
    assert str(found) == f"{path}, byte {places[BROKEN]}: {reason}"
    assert clips_left(manifest) == all_but(BROKEN)


@pytest.mark.parametrize("length", [0, 5, 10**6, 2**62, None])
def test_after_a_wrong_length_the_next_record_is_found(manifest, path, length):
    place = broken_files.record_places(path)[BROKEN]
    if length is None:  # Bytes are lost in the middle.
        data = path.read_bytes()
        hole = place + HEADER + 3
        path.write_bytes(data[:hole] + data[hole + 7 :])
        assert place in [x.offset for x in found_in(manifest)]
    else:
        broken_files.set_length(path, place, length)
        assert [x.offset for x in found_in(manifest)] == [place]
    assert clips_left(manifest) == all_but(BROKEN)


@pytest.mark.parametrize("first", [0, BROKEN])
def test_neighbours_that_are_broken_are_found_one_by_one(manifest, path, first):
    places = flip_records(path, (first, first + 3))
    broken_files.flip(path, places[first + 1] + 2)
    broken = [first, first + 1, first + 3]
    offsets = [x.offset for x in found_in(manifest)]
    assert offsets == [places[x] for x in broken]
    assert clips_left(manifest) == all_but(*broken)


@pytest.mark.parametrize("kept", [1, 7, 8, 11, HEADER, HEADER + 9, -5, -1])
def test_a_file_cut_within_a_record_is_corrupt_there(manifest, path, kept):
    places = broken_files.record_places(path)
    start, size = places[BROKEN], places[BROKEN + 1] - places[BROKEN]
    kept %= size
    os.truncate(path, start + kept)
    (found,) = found_in(manifest)
    whole = "its first 12" if kept < HEADER else size
    assert (found.offset, found.reason) == (
        start,
        f"a record cut off after {kept} of {whole} bytes",
    )
    assert clips_left(manifest) == all_but(*range(BROKEN, 40))


@pytest.mark.parametrize("count", [0, 32, BROKEN])
def test_a_file_cut_between_two_records_is_corrupt_at_its_end(
    manifest, path, count
):
    places = broken_files.record_places(path)
    os.truncate(path, places[count])
    (found,) = found_in(manifest)
    missing = places[-1] - places[count]
    assert found.offset == places[count]
    assert found.reason == f"the file ends {missing} bytes too early"
    assert clips_left(manifest) == all_but(*range(count, 40))


@pytest.mark.parametrize("told", [-1, 1])
def test_another_number_of_clips_than_the_manifests__is_corrupt(manifest, told):
    whole = broken_files.with_num_clips(manifest, SIZES[0] + told)
    (found,) = found_in(whole)
    assert "ends after 40 clips, where the manifest states" in found.reason
    assert clips_left(whole) == all_but()


def replace(manifest, index, record):
    """The manifest of a first file with another record."""
    path = pathlib.Path(manifest.paths("train")[0])
    broken_files.replace_record(path, index, record)
    return broken_files.with_true_sizes(manifest)


@pytest.mark.parametrize(
    ("kind", "index"),
    [*((kind, 20) for kind in UNUSABLE), ("NaN", 0), ("NaN", 39)],
)
def test_a_record_that_is_no_clip_is_found_by_its_content(
    manifest, path, kind, index
):
    record, reason = UNUSABLE[kind]
    manifest = replace(manifest, index, record)
    (found,) = found_in(manifest)
    assert found.offset == broken_files.record_places(path)[index]
    # One sentence without TensorFlow's own.
    assert reason in found.reason and "{{" not in found.reason
    assert " b'" not in found.reason and "\n" not in found.reason
    assert kind != "a label too high" or found.reason == reason
    assert clips_left(manifest) == all_but(index)


@pytest.mark.parametrize("something_else", [False, True])
def test_a_file_without_a_valid_record_gives_no_clip(
    manifest, path, something_else
):
    places = flip_records(path, range(40))
    broken = places[:-1]
    if something_else:
        path.write_bytes(np.random.default_rng(0).bytes(places[-1]))
        broken = [0]
    assert [x.offset for x in found_in(manifest)] == broken
    assert clips_left(manifest) == [40, 41, 42]
    repaired, _ = skip_corrupt_records(manifest, ["train"])
    assert list(find_corrupt_records(repaired, "train")) == []


def test_both_files_are_searched(manifest):
    for path in map(pathlib.Path, manifest.paths("train")):
        flip_records(path, [0])
    assert [(x.path, x.offset) for x in found_in(manifest)] == [
        (path, 0) for path in manifest.paths("train")
    ]
    assert clips_left(manifest) == all_but(0, 40)


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_reads_the_valid_records(manifest, path, in_memory):
    flip_records(path, (0, 7, 8, 39))
    repaired, _ = skip_corrupt_records(manifest, ["train"])
    assert steps_per_epoch(repaired, "train", 3) == 13
    batches = training_batches(
        repaired, batch_size=3, in_memory=in_memory, shuffle_buffer=50
    )
    for epoch in (batches.take(13), batches.skip(13).take(13)):
        numbers = [int(x) for b in epoch for x in b[0]["rgb"][:, 0, 0].numpy()]
        assert sorted(numbers) == all_but(0, 7, 8, 39)


def test_a_shorter_file_can_be_loaded_to_be_skipped_but_no_longer_one(
    manifest, path
):
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(ValueError, match=r"Expected \d+ bytes in"):
        Manifest.load(manifest.directory)
    loaded = Manifest.load(manifest.directory, allow_short_files=True)
    assert clips_left(loaded) == all_but(39)
    os.truncate(path, size + 1)
    with pytest.raises(ValueError, match=r"Expected \d+ bytes in"):
        Manifest.load(manifest.directory, allow_short_files=True)


def test_broken_videos_are_left_out(tmp_path):
    rng = np.random.default_rng(0)
    videos = [draw_video(rng, i, 6, [i, 7]) for i in range(5)]
    records = [video_record(rng, video) for video in videos]
    manifest = scan(tmp_path, describe_videos(), train=[records])
    path = pathlib.Path(manifest.paths("train")[0])
    flip_records(path, [1])
    odd = draw_video(rng, 9, 6, [3862])
    manifest = replace(manifest, 3, video_record(rng, odd))
    places = broken_files.record_places(path)
    assert [x.offset for x in found_in(manifest)] == [places[1], places[3]]
    repaired, _ = skip_corrupt_records(manifest, ["train"])
    assert list(read(repaired)) == ["vid0", "vid2", "vid4"]


def test_a_broken_video_costs_its_segments(tmp_path):
    rng = np.random.default_rng(0)
    ratings = [(0, 5, 1.0), (1, 6, 0.0)]
    videos = [draw_video(rng, i, 6, [i, 7]) for i in range(3)]
    records = [segment_record(rng, x, ratings) for x in videos]
    description = describe_videos("youtube8m_segments")
    manifest = scan(tmp_path, description, train=[records])
    flip_records(pathlib.Path(manifest.paths("train")[0]), [1])
    assert len(found_in(manifest)) == 1
    repaired, _ = skip_corrupt_records(manifest, ["train"])
    assert list(read(repaired)) == ["vid0:0", "vid0:1", "vid2:0", "vid2:1"]


def test_a_clip_longer_than_the_manifest_states_is_corrupt(manifest, path):
    example = make_example("long", [0], rgb=pack([[1, 2, 3]] * 5))
    manifest = replace(manifest, 4, serialize(example))
    with pytest.raises(tf.errors.InvalidArgumentError, match="more frames"):
        list(evaluation_batches(manifest, "train", batch_size=4))
    (found,) = found_in(manifest)
    assert found.offset == broken_files.record_places(path)[4]
    assert "no more frames than the manifest states" in found.reason
    assert clips_left(manifest) == all_but(4)


@pytest.mark.parametrize("index", [1, 3, 4, 7, 11])
def test_only_what_broke_since_the_repair_is_found_in_it(tmp_path, index):
    """The first record, two neighbours and the file's last one are skipped."""
    small = write_numbered(tmp_path, (13, 3), num_frames=2)
    path = pathlib.Path(small.paths("train")[0])
    skipped = (0, 5, 6, 12)
    unchanged, _ = skip_corrupt_records(small, ["train"])
    assert found_in(small) == []
    assert not unchanged.split("train").is_repaired
    places = flip_records(path, skipped)
    repaired, found = skip_corrupt_records(small, ["train"])
    assert [x.offset for x in found] == [places[x] for x in skipped]
    split = repaired.split("train")
    assert split.is_repaired
    assert [shard.num_clips for shard in split.shards] == [9, 3]
    assert split.shards[1] == small.split("train").shards[1]
    assert list(find_corrupt_records(repaired, "train")) == []
    flip_records(path, [index])
    first, *_ = find_corrupt_records(repaired, "train")
    assert first.offset == places[index]
