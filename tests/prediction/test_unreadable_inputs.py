"""Files that end too early, have gone, or hold no records."""

import json

import pytest

from ac_keras.prediction import files
from support.prediction import clip_files
from support.prediction.clip_files import SIZES
from support.prediction.predicted_files import ids_but
from support.prediction.predicted_files import ids_of

ENDS = {  # Bytes that are left of the last record, and what is said.
    "in a length": (5, "a record cut off after 5 of its first 12 bytes"),
    "in its data": (40, "a record cut off after 40 of"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_file_that_is_cut_off_is_not_taken_for_a_whole_one(
    end, folder, output, classifier
):
    left, reason = ENDS[end]
    path = folder / "part-1.tfrecord"
    last = SIZES[1] - 1
    path.write_bytes(path.read_bytes()[: clip_files.place_of(last) + left])
    with pytest.raises(
        ValueError, match=f"byte {clip_files.place_of(last)}: {reason}"
    ):
        clip_files.predict(folder, output, model=classifier)
    outcome = clip_files.predict(
        folder, output, model=classifier, skip_broken_records=True
    )
    assert ids_of(output) == ids_but(f"1-{last}")
    assert outcome.summary["num_broken_records"] == 1


NO_RECORDS = {
    "an empty file": (b"", "byte 0: an empty file"),
    "another file": (b"no records, but text", "byte 0: a record whose length"),
    "a few bytes": (b"text", "byte 0: a record cut off after 4 of"),
}


@pytest.mark.parametrize("case", NO_RECORDS)
def test_a_file_without_records_is_told_before_any_is_predicted(
    case, folder, output, classifier
):
    data, said = NO_RECORDS[case]
    (folder / "part-1.tfrecord").write_bytes(data)
    with pytest.raises(ValueError, match=f"Expected TFRecord files.*{said}"):
        clip_files.predict(folder, output, model=classifier)
    assert not list(output.glob("0*"))


@pytest.mark.parametrize("case", NO_RECORDS)
def test_a_file_without_records_has_no_rows_where_they_are_left_out(
    case, folder, output, classifier
):
    (folder / "part-1.tfrecord").write_bytes(NO_RECORDS[case][0])
    clip_files.predict(
        folder, output, model=classifier, skip_broken_records=True
    )
    assert (output / "00001-of-00003-part-1.jsonl").read_bytes() == b""
    summary = json.loads((output / "summary.json").read_text())
    assert [len(x["broken_records"]) for x in summary["files"]] == [0, 1, 0]
    assert ids_of(output) == ids_but(*(f"1-{i}" for i in range(SIZES[1])))


def test_files_of_another_format_are_not_predicted(folder, output, classifier):
    other = clip_files.describe(record_format="youtube8m")
    with pytest.raises(ValueError, match="byte 0: Expected a frame of"):
        clip_files.predict(folder, output, model=classifier, description=other)


def test_a_file_that_is_gone_when_its_turn_comes_is_named(
    folder, output, classifier, monkeypatch
):
    path = folder / "part-2.tfrecord"
    monkeypatch.setattr(files, "check_beginnings", lambda _: path.unlink())
    with pytest.raises(FileNotFoundError, match=f"to read {path}. Received"):
        clip_files.predict(folder, output, model=classifier)
    assert len(list(output.glob("0*"))) == 2
