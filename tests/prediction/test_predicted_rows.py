"""Rows of each clip in every format of predictions and of records."""

import csv
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

from ac_keras.pipeline import Modality
from ac_keras.pipeline.formats import youtube8m
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
def test_an_id_may_be_any_bytes_or_absent(format, predict, tmp_path):
    ids = [None, b'"a",\n\r', "naïve".encode(), None, b"\xff\x00b"]
    records = [
        clip_files.make_record(clip_files.draw_clip(i), x)
        for i, x in enumerate(ids)
    ]
    path = tmp_path / "part-0"
    clip_files.write_records(path, records)
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
LEVEL = 4 / 255  # of YouTube-8M's bytes
LOWEST = -2 + 4 / 512
SAMPLED = 4


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=value))


def describe(record_format):
    modalities = {
        name: youtube8m.quantised(dim) for name, dim in clip_files.DIMS.items()
    }
    return clip_files.describe(
        modalities=modalities, record_format=record_format
    )


def sequence_record(id_key, id, frames):
    lists = {
        key: tf.train.FeatureList(feature=[feature(x) for x in values])
        for key, values in frames.items()
    }
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={id_key: feature(id)} if id else {}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    ).SerializeToString()


def video_record(id, video):
    frames = {n: [x.tobytes() for x in y] for n, y in video.items()}
    return sequence_record("id", id.encode(), frames)


def draw_video(seed, num_frames):
    rng = np.random.default_rng(seed)
    return {
        name: rng.integers(0, 256, (num_frames, dim), dtype=np.uint8)
        for name, dim in clip_files.DIMS.items()
    }


def assert_predicted(output, model, ids, clips):
    """Checks rows against the predictions of float frames."""
    empty = np.zeros((0, clip_files.DIMS["audio"]))
    inputs = [{"audio": empty, **clip} for clip in clips]
    low, high = clip_files.RANGE
    for clip in inputs:
        clip["audio"] = (clip["audio"] - low) * 255 / (high - low)
    clip_files.assert_predicted(output, model, inputs, ids, tolerance=1e-5)


def middle_frames(frames):
    """Those at equal intervals; all of a shorter clip."""
    count = min(len(frames), SAMPLED)
    places = [int((i + 0.5) * len(frames) / count) for i in range(count)]
    return frames[places]


@pytest.mark.parametrize("sample_size", [0, SAMPLED])
def test_videos_of_bytes_are_predicted(
    sample_size, predict, classifier, tmp_path
):
    videos = [draw_video(i, length) for i, length in enumerate(LENGTHS)]
    ids = [f"video {i}" for i in range(len(videos))]
    clip_files.write_records(
        tmp_path / "part-0", map(video_record, ids, videos)
    )
    description = describe("youtube8m")
    output = tmp_path / "output"
    predict(tmp_path, output, description=description, sample_size=sample_size)
    take = middle_frames if sample_size else lambda frames: frames
    clips = [
        {name: take(frames) * LEVEL + LOWEST for name, frames in video.items()}
        for video in videos
    ]
    assert_predicted(output, classifier, ids, clips)


def test_clips_of_floats_without_ids_are_predicted(
    predict, classifier, tmp_path
):
    clips = [
        {
            name: np.random.default_rng(i).normal(size=(length, dim))
            for name, dim in clip_files.DIMS.items()
            if name != "audio" or i % 2
        }
        for i, length in enumerate(LENGTHS)
    ]
    clip_files.write_records(
        tmp_path / "part-0",
        [
            sequence_record(
                "example/id",
                None,
                {f"{n.upper()}/feature/floats": x for n, x in clip.items()},
            )
            for clip in clips
        ],
    )
    description = clip_files.describe(
        modalities={n: Modality(dim) for n, dim in clip_files.DIMS.items()},
        record_format="mediasequence",
    )
    output = tmp_path / "output"
    predict(tmp_path, output, description=description)
    assert_predicted(output, classifier, [""] * len(clips), clips)


STARTS = (3, 0, 3, 9)  # of the ratings; the last segment is cut short


@pytest.fixture
def rated(tmp_path):
    """Two rated videos in a file, as arrays."""
    videos = [draw_video(i, 12) for i in range(2)]
    ratings = {
        "segment_start_times": STARTS,
        "segment_labels": (0,) * len(STARTS),
    }
    context = {
        key: tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        for key, values in ratings.items()
    }
    context["segment_scores"] = feature([1.0] * len(STARTS))
    records = []
    for i, video in enumerate(videos):
        record = tf.train.SequenceExample.FromString(
            video_record(str(i), video)
        )
        for key, value in context.items():
            record.context.feature[key].CopyFrom(value)
        records.append(record.SerializeToString())
    clip_files.write_records(tmp_path / "part-0", records)
    return videos


def test_rated_segments_are_clips_of_their_own(
    rated, predict, classifier, tmp_path
):
    output = tmp_path / "output"
    predict(tmp_path, output, description=describe("youtube8m_segments"))
    starts = sorted(set(STARTS))
    clips = [
        {n: x[start : start + 5] * LEVEL + LOWEST for n, x in video.items()}
        for video in rated
        for start in starts
    ]
    ids = [f"{i}:{start}" for i in range(2) for start in starts]
    assert_predicted(output, classifier, ids, clips)


def test_a_file_of_segments_that_is_cut_off_is_told(rated, predict, tmp_path):
    path = tmp_path / "part-0"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\1\2\3")
    with pytest.raises(ValueError, match=f"byte {size}: a record cut off"):
        predict(
            tmp_path,
            tmp_path / "output",
            description=describe("youtube8m_segments"),
        )
