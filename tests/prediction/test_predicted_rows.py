"""Rows of each clip in every format."""

import csv
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ac_keras.prediction import FORMATS
from ac_keras.prediction import row_writers
from support.prediction import clip_files
from support.prediction.clip_files import CLASS_NAMES
from support.prediction.clip_files import SIZES
from support.prediction.clip_files import TOP_K
from support.prediction.clip_files import read_folder
from support.prediction.clip_files import read_rows

each_format = pytest.mark.parametrize("format", FORMATS)


@pytest.fixture(scope="module")
def outputs(records, predict, tmp_path_factory):
    """A folder of predictions of each format."""
    folder = tmp_path_factory.mktemp("formats")
    for format in FORMATS:
        output = folder / format
        predict(records, output, format=format)
    return folder


@each_format
def test_every_clip_has_a_row_in_the_files_order(format, outputs, records):
    rows = read_folder(outputs / format)
    assert [(x["id"], x["file"], x["index"]) for x in rows] == [
        (f"{number}-{i}", str(records / clip_files.name_of(number)), i)
        for number, size in enumerate(SIZES)
        for i in range(size)
    ]


@each_format
def test_a_row_names_the_classes_that_the_model_predicts(
    format, outputs, classifier
):
    clips = [c for n in range(len(SIZES)) for c in clip_files.clips_of(n)]
    scores = clip_files.assert_predicted(outputs / format, classifier, clips)
    rows = read_folder(outputs / format)
    assert {x for row in rows for x in row["classes"]} == set(CLASS_NAMES)
    assert np.ptp(scores[:, 0]) > 0.01


def test_scores_are_the_same_bits_in_every_format(outputs):
    first, *others = (
        [x["scores"].tobytes() for x in read_folder(outputs / name)]
        for name in FORMATS
    )
    assert len(set(first)) == sum(SIZES)
    assert others == [first, first]


def test_a_score_is_written_in_full(outputs):
    path = min((outputs / "jsonl").glob("0*"))
    for line in path.read_text().splitlines():
        scores = json.loads(line)["scores"]
        assert scores == [float(np.float32(x)) for x in scores]


def test_csv_has_a_column_for_each_class_and_score(outputs):
    with open(min((outputs / "csv").glob("0*")), newline="") as file:
        header = next(csv.reader(file))
    places = range(1, TOP_K + 1)
    pairs = [f"{x}_{place}" for place in places for x in ("class", "score")]
    assert header == ["id", "file", "index", *pairs]


def test_parquet_has_lists_of_names_and_of_float32(outputs):
    schema = pyarrow.parquet.read_schema(min((outputs / "parquet").glob("0*")))
    assert dict(zip(schema.names, schema.types, strict=True)) == {
        "id": pyarrow.string(),
        "file": pyarrow.string(),
        "index": pyarrow.int64(),
        "classes": pyarrow.list_(pyarrow.string()),
        "scores": pyarrow.list_(pyarrow.float32()),
    }


def test_rows_of_parquet_are_written_in_groups(
    records, predict, tmp_path, monkeypatch
):
    monkeypatch.setattr(row_writers, "GROUP_ROWS", 4)
    predict(records, tmp_path, format="parquet", batch_size=2)
    path = min(tmp_path.glob("0*"))
    metadata = pyarrow.parquet.read_metadata(path)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [4, 3]
    names = [row["id"] for row in read_rows(path)]
    assert names == [f"0-{i}" for i in range(SIZES[0])]


@each_format
def test_a_clip_without_an_id_has_its_place(format, predict, tmp_path):
    clips = [clip_files.draw_clip(i) for i in range(5)]
    path = tmp_path / "part-0"
    clip_files.write_records(path, map(clip_files.make_record, clips))
    output = tmp_path / "output"
    predict(tmp_path, output, format=format)
    rows = read_folder(output)
    assert [(x["id"], x["file"], x["index"]) for x in rows] == [
        ("", str(path), i) for i in range(5)
    ]


@each_format
def test_an_id_may_be_any_bytes(format, predict, tmp_path):
    ids = [b'"a",\n\r', "naïve".encode(), b"\xff\x00b"]
    clip = clip_files.draw_clip(0)
    clip_files.write_records(
        tmp_path / "part-0", [clip_files.make_record(clip, x) for x in ids]
    )
    output = tmp_path / "output"
    predict(tmp_path, output, format=format)
    names = [row["id"] for row in read_folder(output)]
    assert names == ['"a",\n\r', "naïve", "\\xff\x00b"]


def test_all_classes_are_named_where_more_are_asked_for(
    records, predict, tmp_path
):
    predict(records, tmp_path, top_k=99)
    for row in read_folder(tmp_path):
        assert sorted(row["classes"]) == sorted(CLASS_NAMES)
        assert row["scores"].sum() == pytest.approx(1, abs=1e-5)
