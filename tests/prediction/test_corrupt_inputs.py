"""Corrupt records and files: reported by byte, or left out and counted."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.prediction import input_files
from support.prediction import clip_files
from support.prediction.clip_files import SIZES
from support.prediction.clip_files import ids_but
from support.prediction.clip_files import ids_of
from support.prediction.clip_files import read_rows

BROKEN = 3  # in the second file: in its second batch


def replace(path, record):
    """Replaces the corrupt record by one with valid checksums."""
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    records[BROKEN] = record
    clip_files.write_records(path, records)


def broken_frames(**changes):
    return clip_files.make_record({**clip_files.draw_clip(0), **changes})


NO_FRAME = {"rgb": np.zeros((0, 5), "<f4"), "audio": np.zeros((0, 4), "u1")}
WAYS = {  # How the second file is broken in one record; what is said.
    "its data": (
        lambda path: clip_files.flip(path, clip_files.place_of(BROKEN) + 17),
        "a record whose data has a wrong checksum",
    ),
    "its length": (
        lambda path: clip_files.flip(path, clip_files.place_of(BROKEN)),
        "a record whose length has a wrong checksum",
    ),
    "no message": (
        lambda path: replace(path, b"\x07\xffgarbage"),
        "a record that is no message of its format",
    ),
    "NaN": (
        lambda path: replace(
            path, broken_frames(rgb=np.full((2, 5), np.nan, "<f4"))
        ),
        "Expected finite features of modality 'rgb'. Received: NaN",
    ),
    "half a frame": (
        lambda path: replace(path, broken_frames(audio=np.zeros(6, "u1"))),
        "Expected a whole number of frames of 4 bytes",
    ),
    "no frame": (
        lambda path: replace(path, broken_frames(**NO_FRAME)),
        "Expected a frame of rgb or audio. Received: none",
    ),
}
each_way = pytest.mark.parametrize("way", WAYS)


@each_way
def test_a_broken_record_is_an_error_that_names_file_and_byte(
    way, folder, output, predict, records
):
    spoil, reason = WAYS[way]
    path = folder / "part-1.tfrecord"
    spoil(path)
    with pytest.raises(ValueError) as caught:
        predict(folder, output)
    place = f"Received: {path}, byte {clip_files.place_of(BROKEN)}: {reason}"
    assert place in str(caught.value)
    assert "--skip_corrupt_records" in str(caught.value)
    assert {x.name for x in output.iterdir()} == {
        "00000-of-00003-part-0.jsonl",
        "counted",
        "predictions.json",
    }
    shutil.copy(records / path.name, path)
    for _ in range(2):  # The second time there is nothing to do.
        predict(folder, output)
        assert ids_of(output) == ids_but()


@each_way
def test_a_broken_record_is_left_out_where_that_is_asked_for(
    way, folder, output, predict, classifier
):
    spoil, reason = WAYS[way]
    spoil(folder / "part-1.tfrecord")
    outcome = predict(folder, output, skip_corrupt_records=True)
    assert ids_of(output) == ids_but(f"1-{BROKEN}")
    assert outcome.num_clips == sum(SIZES) - 1
    counted = outcome.summary["files"][1]
    assert counted["num_clips"] == SIZES[1] - 1
    (found,) = counted["broken_records"]
    assert found["byte"] == clip_files.place_of(BROKEN)
    assert reason in found["reason"]
    assert str(outcome).endswith("; corrupt records left out: 1")
    clips = [
        clip
        for number in range(len(SIZES))
        for i, clip in enumerate(clip_files.clips_of(number))
        if (number, i) != (1, BROKEN)
    ]
    clip_files.assert_predicted(output, classifier, clips)


def test_the_index_counts_broken_records(folder, output, predict):
    clip_files.flip(folder / "part-1.tfrecord", clip_files.place_of(1) + 12)
    clip_files.flip(
        folder / "part-1.tfrecord", clip_files.place_of(BROKEN) + 12
    )
    predict(folder, output, skip_corrupt_records=True)
    rows = read_rows(output / "00001-of-00003-part-1.jsonl")
    assert [(row["id"], row["index"]) for row in rows] == [
        (f"1-{i}", i) for i in (0, 2, 4)
    ]


ENDS = {  # Bytes that are left of the last record, and what is said.
    "in a length": (5, "a record cut off after 5 of its first 12 bytes"),
    "in its data": (40, "a record cut off after 40 of"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_file_that_is_cut_off_is_not_taken_for_a_whole_one(
    end, folder, output, predict
):
    left, reason = ENDS[end]
    path = folder / "part-1.tfrecord"
    last = SIZES[1] - 1
    path.write_bytes(path.read_bytes()[: clip_files.place_of(last) + left])
    with pytest.raises(
        ValueError, match=f"byte {clip_files.place_of(last)}: {reason}"
    ):
        predict(folder, output)
    outcome = predict(folder, output, skip_corrupt_records=True)
    assert ids_of(output) == ids_but(f"1-{last}")
    assert outcome.summary["num_broken_records"] == 1


NO_RECORDS = {
    "an empty file": (b"", "byte 0: an empty file"),
    "another file": (b"no records, but text", "byte 0: a record whose length"),
    "a few bytes": (b"text", "byte 0: a record cut off after 4 of"),
}


@pytest.mark.parametrize("case", NO_RECORDS)
def test_a_file_without_records_is_told_before_any_is_predicted(
    case, folder, output, predict
):
    data, said = NO_RECORDS[case]
    (folder / "part-1.tfrecord").write_bytes(data)
    with pytest.raises(ValueError, match=f"Expected TFRecord files.*{said}"):
        predict(folder, output)
    assert not list(output.glob("0*"))
    predict(folder, output, skip_corrupt_records=True)
    assert (output / "00001-of-00003-part-1.jsonl").read_bytes() == b""
    summary = json.loads((output / "summary.json").read_text())
    assert [len(x["broken_records"]) for x in summary["files"]] == [0, 1, 0]
    assert ids_of(output) == ids_but(*(f"1-{i}" for i in range(SIZES[1])))


def test_files_of_another_format_are_not_predicted(folder, output, predict):
    other = clip_files.describe(record_format="youtube8m")
    with pytest.raises(ValueError, match="byte 0: Expected a frame of"):
        predict(folder, output, description=other)


def test_a_file_that_is_gone_when_its_turn_comes_is_named(
    folder, output, predict, monkeypatch
):
    path = folder / "part-2.tfrecord"
    monkeypatch.setattr(
        input_files, "check_beginnings", lambda _: path.unlink()
    )
    with pytest.raises(FileNotFoundError, match=f"to read {path}. Received"):
        predict(folder, output)
    assert len(list(output.glob("0*"))) == 2
