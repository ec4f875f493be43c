"""Rows of each clip in every format of predictions and of records."""

import csv
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ac_keras.pipeline import Modality
from ac_keras.pipeline.formats import youtube8m
from ac_keras.prediction import FORMATS
from ac_keras.prediction import row_writers
from support.prediction import clip_files
from support.prediction.clip_files import CLASS_NAMES
from support.prediction.clip_files import SIZES
from support.prediction.clip_files import TOP_K
from support.prediction.clip_files import ids_but
from support.prediction.clip_files import read_folder
from support.prediction.clip_files import read_rows
from support.records.external_records import dequantise
from support.records.external_records import draw_video
from support.records.external_records import equal_intervals
from support.records.external_records import segment_record
from support.records.external_records import sequence_record
from support.records.external_records import video_record
from support.records.plain_records import write_records

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
    clips = [
        clip_files.decode(clip)
        for number in range(len(SIZES))
        for clip in clip_files.clips_of(number)
    ]
    output = outputs / format
    clip_files.assert_predicted(output, classifier, clips, ids_but(), 1e-6)
    rows = read_folder(output)
    assert {x for row in rows for x in row["classes"]} == set(CLASS_NAMES)
    assert np.ptp([row["scores"][0] for row in rows]) > 0.01


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
def test_an_id_may_be_any_bytes_or_absent(format, predict, tmp_path):
    ids = [None, b'"a",\n\r', "naïve".encode(), None, b"\xff\x00b"]
    records = [
        clip_files.make_record(clip_files.draw_clip(i), x)
        for i, x in enumerate(ids)
    ]
    path = tmp_path / "part-0"
    write_records(path, records)
    output = tmp_path / "output"
    predict(tmp_path, output, format=format)
    names = ["", '"a",\n\r', "naïve", "", "\\xff\x00b"]
    assert [(x["id"], x["file"], x["index"]) for x in read_folder(output)] == [
        (name, str(path), i) for i, name in enumerate(names)
    ]


def test_all_classes_are_named_where_more_are_asked_for(
    records, predict, tmp_path
):
    predict(records, tmp_path, top_k=99)
    for row in read_folder(tmp_path):
        assert sorted(row["classes"]) == sorted(CLASS_NAMES)
        assert row["scores"].sum() == pytest.approx(1, abs=1e-5)


LENGTHS = (9, 1, 4, 12)


def describe(record_format):
    modalities = {
        name: youtube8m.quantised(dim) for name, dim in clip_files.DIMS.items()
    }
    return clip_files.describe(
        modalities=modalities, record_format=record_format
    )


@pytest.mark.parametrize("sample_size", [0, 4])
def test_videos_of_bytes_are_predicted(
    sample_size, predict, classifier, tmp_path
):
    rng = np.random.default_rng(0)
    videos = [
        draw_video(rng, number, length, [])
        for number, length in enumerate(LENGTHS)
    ]
    write_records(
        tmp_path / "part-0", [video_record(rng, video) for video in videos]
    )
    output = tmp_path / "output"
    predict(
        tmp_path,
        output,
        description=describe("youtube8m"),
        sample_size=sample_size,
    )
    clips = [
        {
            name: dequantise(x[equal_intervals(len(x), sample_size or len(x))])
            for name, x in video["frames"].items()
        }
        for video in videos
    ]
    ids = [video["id"] for video in videos]
    clip_files.assert_predicted(output, classifier, clips, ids)


def test_clips_of_floats_without_ids_are_predicted(
    predict, classifier, tmp_path
):
    rng = np.random.default_rng(0)
    clips = [
        {
            name: rng.normal(size=(length, dim))
            for name, dim in clip_files.DIMS.items()
            if name != "audio" or i % 2
        }
        for i, length in enumerate(LENGTHS)
    ]
    records = [
        sequence_record(
            rng, {}, {f"{n.upper()}/feature/floats": x for n, x in clip.items()}
        )
        for clip in clips
    ]
    write_records(tmp_path / "part-0", records)
    description = clip_files.describe(
        modalities={n: Modality(dim) for n, dim in clip_files.DIMS.items()},
        record_format="mediasequence",
    )
    output = tmp_path / "output"
    predict(tmp_path, output, description=description)
    clip_files.assert_predicted(output, classifier, clips, [""] * len(clips))


def test_rated_segments_are_clips_of_their_own(predict, classifier, tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "part-0"
    videos = [draw_video(rng, number, 12, []) for number in range(2)]
    # The last segment is cut short.
    ratings = [(start, 0, 1.0) for start in (3, 0, 3, 9)]
    write_records(path, [segment_record(rng, x, ratings) for x in videos])
    output, description = tmp_path / "output", describe("youtube8m_segments")
    predict(tmp_path, output, description=description)
    segments = [(video, start) for video in videos for start in (0, 3, 9)]
    clips = [
        {n: dequantise(x[i : i + 5]) for n, x in video["frames"].items()}
        for video, i in segments
    ]
    ids = [f"{video['id']}:{start}" for video, start in segments]
    clip_files.assert_predicted(output, classifier, clips, ids)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\1\2\3")
    with pytest.raises(ValueError, match=f"byte {size}: a record cut off"):
        predict(tmp_path, tmp_path / "cut off", description=description)
