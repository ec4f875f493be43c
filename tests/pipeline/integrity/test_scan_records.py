"""The manifest of records that others wrote."""

import dataclasses
import json
import os

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import scan_records
from support.records import broken_files
from support.records.external_records import dequantise
from support.records.external_records import describe_videos
from support.records.external_records import draw_video
from support.records.external_records import media_record
from support.records.external_records import scan
from support.records.external_records import video_record
from support.records.plain_records import folder_contents
from support.records.plain_records import write_records

LENGTHS = (3, 11, 1, 6)
LABELS = ([0, 2], [2], [], [3861])


@pytest.fixture
def videos():
    rng = np.random.default_rng(0)
    return [
        draw_video(rng, i, n, LABELS[i], ["audio"] if i == 1 else [])
        for i, n in enumerate(LENGTHS)
    ]


@pytest.fixture
def paths(tmp_path, videos):
    """Two files of two videos each."""
    paths = [tmp_path / "records" / name for name in ("a", "b")]
    paths[0].parent.mkdir()
    write_videos(paths[0], *videos[:2])
    write_videos(paths[1], *videos[2:])
    return paths


def write_videos(path, *videos):
    rng = np.random.default_rng(1)
    write_records(path, [video_record(rng, video) for video in videos])


def assert_means(split, videos):
    """Compares the means over the frames of all videos."""
    for name, mean in split.mean_features.items():
        frames = [x["frames"][name] for x in videos if name in x["frames"]]
        expected = dequantise(np.concatenate(frames)).mean(axis=0)
        np.testing.assert_allclose(mean, expected, atol=1e-6)


def scan_train(tmp_path, paths, **kwargs):
    description = describe_videos(**kwargs)
    return scan_records(tmp_path / "dataset", description, {"train": paths})


def test_clips_classes_and_frames_of_all_files_are_counted(
    tmp_path, paths, videos
):
    split = scan_train(tmp_path, paths).split("train")
    assert [shard.num_clips for shard in split.shards] == [2, 2]
    assert split.max_num_frames == {"rgb": 11, "audio": 6}
    assert split.num_absent == {"rgb": 0, "audio": 1}
    expected = np.zeros(3862, int)
    expected[[0, 2, 3861]] = 1, 2, 1
    np.testing.assert_array_equal(split.class_counts, expected)
    assert list(split.mean_features) == ["rgb", "audio"]
    assert_means(split, videos)


def test_a_file_of_many_clips_is_counted_to_its_end(tmp_path):
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 12, 70).tolist()
    lengths[5] = 20  # the longest one is not among the last
    videos = [
        draw_video(rng, i, n, [i % 5], ["audio"] if i % 3 == 0 else [])
        for i, n in enumerate(lengths)
    ]
    write_videos(tmp_path / "many", *videos)
    split = scan_train(tmp_path, [tmp_path / "many"]).split("train")
    assert [shard.num_clips for shard in split.shards] == [70]
    assert split.max_num_frames["rgb"] == 20
    assert split.num_absent == {"rgb": 0, "audio": 24}
    np.testing.assert_array_equal(split.class_counts[:6], [14] * 5 + [0])
    assert_means(split, videos)


def test_files_stay_where_they_are_beside_the_manifest(tmp_path, paths):
    before = [path.read_bytes() for path in paths]
    manifest = scan_train(tmp_path, paths)
    assert manifest.paths("train") == [str(path) for path in paths]
    assert [path.read_bytes() for path in paths] == before
    assert list(folder_contents(manifest.directory)) == ["manifest.json"]
    loaded = Manifest.load(manifest.directory)
    assert loaded.description == describe_videos()
    assert loaded.dump() == manifest.dump()
    assert loaded.split("train").num_absent == {"rgb": 0, "audio": 1}


def test_files_in_the_folder_are_named_from_there(tmp_path, paths):
    manifest = scan_records(tmp_path, describe_videos(), {"train": paths})
    files = [shard.file for shard in manifest.split("train").shards]
    assert files == [os.path.join("records", name) for name in ("a", "b")]
    moved = tmp_path.with_name(f"{tmp_path.name}_moved")
    tmp_path.rename(moved)
    assert Manifest.load(moved).paths("train")[0] == str(moved / "records/a")


def test_a_complete_scan_is_not_done_again(tmp_path, paths, monkeypatch):
    first = scan_train(tmp_path, paths)
    module = "ac_keras.pipeline.integrity.scan_records.scan_once"
    monkeypatch.setattr(module, None)
    assert scan_train(tmp_path, paths).dump() == first.dump()


@pytest.mark.parametrize("changed", [False, True])
def test_a_stopped_scan_goes_on_at_the_first_file_not_scanned(
    tmp_path, paths, videos, changed
):
    whole = paths[1].read_bytes()
    paths[1].write_bytes(b"")
    with pytest.raises(ValueError, match="Expected clips in"):
        scan_train(tmp_path, paths)
    (kept,) = (tmp_path / "dataset" / "scanned").iterdir()
    totals = dict(np.load(kept))
    np.savez(kept, **{**totals, "num_clips": 700})  # as only that one has it
    if changed:
        write_videos(paths[0], videos[0])
    paths[1].write_bytes(whole)
    split = scan_train(tmp_path, paths).split("train")
    assert split.num_clips == (3 if changed else 702)


@pytest.mark.parametrize(
    "change, count, kwargs",
    [("files", 1, {}), ("description", 2, {"name": "other"})],
)
def test_a_folder_of_another_dataset_is_refused(
    tmp_path, paths, change, count, kwargs
):
    scan_train(tmp_path, paths)
    with pytest.raises(ValueError, match=f"another .*{change}"):
        scan_train(tmp_path, paths[:count], **kwargs)


CHANGES = {  # Of a file of two records, cut after so many of the second's.
    "empty": (None, ". Received: 0 bytes"),
    "flipped bit": (None, ".*corrupt.*byte {offset}"),
    "something else": (None, ".*no TFRecord"),
    **{
        f"cut after {rest} bytes": (rest, ".*byte {offset} ")
        for rest in (1, 8, 11, 13, 40)
    },
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_corrupt_file_is_refused_with_the_offset(tmp_path, paths, change):
    offset = broken_files.record_places(paths[1])[1]
    rest, message = CHANGES[change]
    if change == "flipped bit":
        broken_files.flip(paths[1], offset + 20)
    elif change == "something else":
        paths[1].write_bytes(b"id,label\n" * 9)
    else:
        os.truncate(paths[1], offset + rest if rest else 0)
    message = f"{paths[1]}{message.format(offset=offset)}"
    with pytest.raises(ValueError, match=message):
        scan_train(tmp_path, paths)


# What a file of two records is changed to, given the second one's offset.


def test_a_label_out_of_range_is_refused_with_file_and_clip(tmp_path, paths):
    write_videos(paths[0], draw_video(np.random.default_rng(0), 8, 2, [3862]))
    message = f"{paths[0]}.*labels from 0 to 3861.*3862.*vid8"
    with pytest.raises(ValueError, match=message):
        scan_train(tmp_path, paths)


RGB = describe_videos().modalities["rgb"]


@pytest.mark.parametrize(
    "modalities, message",
    [
        (
            {"rgb": dataclasses.replace(RGB, dim=9)},
            "{} .*Received: assertion failed: .Expected frames of 9 bytes",
        ),
        ({"flow": RGB}, "'flow'. Received: 2 clips and no"),
    ],
)
def test_modalities_of_other_records_are_refused(
    tmp_path, paths, modalities, message
):
    with pytest.raises(ValueError, match=message.format(paths[0])):
        scan_train(tmp_path, paths[:1], modalities=modalities)


def test_clips_without_any_label_are_for_tests_only(tmp_path, paths):
    write_videos(paths[0], draw_video(np.random.default_rng(0), 0, 2, []))
    with pytest.raises(ValueError, match="labels in split 'train'"):
        scan_train(tmp_path, paths[:1])
    files = {"test": paths[:1]}
    manifest = scan_records(tmp_path / "test", describe_videos(), files)
    assert not manifest.split("test").class_counts.any()


def test_nan_is_refused_with_file_and_modality(tmp_path):
    rng = np.random.default_rng(0)
    frames = np.ones((2, 8))
    frames[1, 3] = np.nan
    record = media_record(rng, "a", [1], {"RGB": frames})
    description = describe_videos(
        "mediasequence", modalities={"rgb": Modality(8)}
    )
    with pytest.raises(ValueError, match="train0. Received: NaN.*'rgb'"):
        scan(tmp_path, description, train=[[record]])


@pytest.mark.parametrize(
    "files", [{}, {"train": []}, {"train": ["nowhere"]}, {"train": "nowhere*"}]
)
def test_a_split_without_files_is_refused(tmp_path, files):
    with pytest.raises(FileNotFoundError, match="Expected one "):
        scan_records(tmp_path, describe_videos(), files)


def test_a_manifest_without_a_format_is_of_our_own_records():
    own = dataclasses.replace(describe_videos(), record_format="clip")
    values = own.to_json()
    assert "record_format" not in json.loads(json.dumps(values))
    assert type(own).from_json(values).record_format == "clip"
    with pytest.raises(ValueError, match="record_format='youtube9m'"):
        describe_videos("youtube9m")
