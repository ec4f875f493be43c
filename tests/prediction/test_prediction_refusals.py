"""Files, folders and settings that are rejected, and corrupt records."""

import json
import shutil
import sys

import numpy as np
import pytest

from ac_keras.prediction import input_files
from support.prediction import clip_files
from support.prediction.clip_files import SIZES
from support.prediction.clip_files import describe
from support.prediction.clip_files import ids_but
from support.prediction.clip_files import ids_of
from support.prediction.clip_files import read_rows
from support.records.broken_files import cut
from support.records.broken_files import flip
from support.records.broken_files import replace_record
from support.records.plain_records import folder_contents as contents

OTHER_SETTINGS = {  # What is asked of a folder, and what is said of it.
    "model": ({"model_id": "1"}, 'model="1" instead of "0"'),
    "top_k": ({"top_k": 2}, "top_k=2 instead of 3"),
    "eval_frames": ({"sample_size": 4}, "eval_frames=4 instead of 0"),
    "format": ({"format": "csv"}, 'format="csv" instead of "jsonl"'),
    "description": (
        {"description": describe(seed=3)},
        r'description=.*"seed": 3.* instead of .*"seed": null',
    ),
}


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_a_folder_begun_with_another_setting_is_rejected(
    name, predicted, records, predict
):
    changes, said = OTHER_SETTINGS[name]
    before = contents(predicted)
    with pytest.raises(ValueError, match=f"started with. Received: {said}"):
        predict(records, predicted, **changes)
    assert contents(predicted) == before
    assert not (predicted / "counted").exists()


def test_another_batch_size_goes_on(predicted, records, predict):
    outcome = predict(records, predicted, batch_size=2)
    assert outcome.num_missing == 0


def one_more(folder):
    shutil.copy(folder / "part-0.tfrecord", folder / "part-1b")
    return "part-1b, which was not among the files"


def one_less(folder):
    (folder / "part-2.tfrecord").unlink()
    return "2 files without .*part-2.tfrecord"


def one_longer(folder):
    path = folder / "part-0.tfrecord"  # Its predictions are there.
    size = path.stat().st_size
    path.write_bytes(2 * path.read_bytes())
    return f"part-0.tfrecord of {2 * size} bytes instead of {size}"


@pytest.mark.parametrize("change", [one_more, one_less, one_longer])
def test_a_folder_begun_with_other_files_is_rejected(
    change, folder, output, predict
):
    predict(folder, output, shard=(0, 2))
    said = change(folder)
    with pytest.raises(ValueError, match=f"Received: .*{said}. Choose another"):
        predict(folder, output)


def test_predictions_of_unknown_settings_are_rejected(
    predicted, records, predict, tmp_path
):
    copy = shutil.copytree(predicted, tmp_path / "copy")
    (copy / "predictions.json").unlink()
    with pytest.raises(ValueError, match="and no predictions.json"):
        predict(records, copy)


ARGUMENTS = {
    "no file": (
        {"records": ["part-*", "none-*"]},
        "'none-\\*', which matches none",
    ),
    "no pattern": ({"records": []}, "one pattern of files or more"),
    "a folder": ({"records": ["."]}, r"records\d*, which is a folder"),
    "a shard too high": ({"shard": (2, 2)}, r"Received: shard=\(2, 2\)"),
    "a shard of none": ({"shard": (0, 0)}, r"Received: shard=\(0, 0\)"),
    "an unknown format": ({"format": "xml"}, "Received: format='xml'"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_cannot_be_are_rejected(
    case, records, predict, tmp_path, monkeypatch
):
    changes, said = ARGUMENTS[case]
    monkeypatch.chdir(records)
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        predict(records, tmp_path / "output", **changes)
    assert not (tmp_path / "output").exists()


def test_a_file_is_no_output_folder(records, predict, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "output"):
        with pytest.raises(ValueError, match="that is writable. Rec"):
            predict(records, output)


def test_parquet_without_its_package_is_rejected(
    records, predict, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[parquet\]"):
        predict(records, tmp_path / "output", format="parquet")
    assert not (tmp_path / "output").exists()


def test_a_full_disk_is_told_and_leaves_no_part(
    records, predict, tmp_path, monkeypatch
):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", lambda _: None)
    predict(records, tmp_path, shard=(0, 2))
    before = contents(tmp_path)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="to write .*-1.jsonl. Received: .*No"):
        predict(records, tmp_path)
    assert contents(tmp_path) == before


def test_a_file_named_twice_is_read_once(
    predicted, records, predict, tmp_path, monkeypatch
):
    monkeypatch.chdir(records)
    twice = ["part-*", str(records / "*-1.tfrecord"), "./part-0.tfrecord"]
    predict(records, tmp_path, records=twice)
    assert contents(tmp_path) == contents(predicted)


def test_files_of_one_name_have_files_of_their_own(records, predict, tmp_path):
    folders = [shutil.copytree(records, tmp_path / name) for name in "ab"]
    output = tmp_path / "output"
    predict(
        records, output, records=[str(folder / "part-1*") for folder in folders]
    )
    files = json.loads((output / "summary.json").read_text())["files"]
    assert [(x["predictions"], x["file"]) for x in files] == [
        (f"{i:05d}-of-00002-part-1.jsonl", str(folder / "part-1.tfrecord"))
        for i, folder in enumerate(folders)
    ]
    assert all((output / x["predictions"]).is_file() for x in files)


BROKEN = 3  # in the second file: in its second batch
PLACE = clip_files.place_of(BROKEN)


def broken_frames(**changes):
    return clip_files.make_record({**clip_files.draw_clip(0), **changes})


NAN = np.full((2, clip_files.DIMS["rgb"]), np.nan, "<f4")
WAYS = {  # A byte to flip or another record, and what is said.
    "its data": (17, "a record whose data has a wrong checksum"),
    "its length": (0, "a record whose length has a wrong checksum"),
    "no message": (
        b"\x07\xffgarbage",
        "a record that is no message of its format",
    ),
    "NaN": (
        broken_frames(rgb=NAN),
        "Expected finite features of modality 'rgb'. Received: NaN",
    ),
    "half a frame": (
        broken_frames(audio=np.zeros(6, "u1")),
        "Expected a whole number of frames of 4 bytes",
    ),
    "no frame": (
        broken_frames(rgb=NAN[:0], audio=np.zeros(0, "u1")),
        "Expected a frame of rgb or audio. Received: none",
    ),
}
each_way = pytest.mark.parametrize("way", WAYS)


def spoil(path, way):
    """Breaks a record of the file; returns what is said of it."""
    change, reason = WAYS[way]
    if isinstance(change, int):
        flip(path, PLACE + change)
    else:
        replace_record(path, BROKEN, change)
    return reason


@each_way
def test_a_broken_record_is_an_error_that_names_file_and_byte(
    way, folder, output, predict, records
):
    path = folder / "part-1.tfrecord"
    reason = spoil(path, way)
    with pytest.raises(ValueError) as caught:
        predict(folder, output)
    place = f"Received: {path}, byte {PLACE}: {reason}"
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
    reason = spoil(folder / "part-1.tfrecord", way)
    outcome = predict(folder, output, skip_corrupt_records=True)
    assert outcome.num_clips == sum(SIZES) - 1
    counted = outcome.summary["files"][1]
    assert counted["num_clips"] == SIZES[1] - 1
    (found,) = counted["broken_records"]
    assert found["byte"] == PLACE
    assert reason in found["reason"]
    assert str(outcome).endswith("; corrupt records left out: 1")
    clips = [
        clip_files.decode(clip)
        for number in range(len(SIZES))
        for i, clip in enumerate(clip_files.clips_of(number))
        if (number, i) != (1, BROKEN)
    ]
    left = ids_but(f"1-{BROKEN}")
    clip_files.assert_predicted(output, classifier, clips, left, 1e-6)


def test_the_index_counts_broken_records(folder, output, predict):
    for index in (1, BROKEN):
        flip(folder / "part-1.tfrecord", clip_files.place_of(index) + 12)
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
    place = clip_files.place_of(last)
    cut(path, place + left)
    with pytest.raises(ValueError, match=f"byte {place}: {reason}"):
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
