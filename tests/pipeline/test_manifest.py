"""Descriptions and manifests of dataset folders."""

import json
import pathlib
import re

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.drawn_dataset import write_dataset


def test_its_json_is_the_documented_one_and_comes_back():
    modalities = {**THREE, "flow": Modality(4, "uint8", (-2, 2))}
    description = describe(
        modalities,
        multi_label=True,
        seed=7,
        settings={"a": [1, "x"], "b": None},
    )
    values = description.to_json()
    assert values == {
        "format_version": 1,
        "name": "tiny",
        "seed": 7,
        "settings": {"a": [1, "x"], "b": None},
        "multi_label": True,
        "modalities": {
            "rgb": {"dim": 3, "dtype": "float32"},
            "audio": {"dim": 2, "dtype": "float16"},
            "flow": {"dim": 4, "dtype": "uint8", "value_range": [-2.0, 2.0]},
        },
        "class_names": ["run", "jump", "swim", "fly"],
    }
    loaded = Description.from_json(json.loads(json.dumps(values)))
    assert loaded == description
    assert list(loaded.modalities) == list(modalities)


def test_it_is_read_where_the_records_are_missing(tmp_path):
    description = describe(THREE)
    write_dataset(tmp_path, description, train=[draw_clips(description, 2)])
    for path in tmp_path.glob("*.tfrecord"):
        path.unlink()
    assert Description.load(tmp_path) == description
    values = {**description.to_json(), "serving": {"top_k": 5}}
    (tmp_path / "manifest.json").write_text(json.dumps(values))
    assert Description.load(tmp_path) == description


@pytest.mark.parametrize("load", [Description.load, Manifest.load])
@pytest.mark.parametrize(
    "text, error, said",
    [
        (
            None,
            FileNotFoundError,
            "which has none. A program .*prepare.py",
        ),
        (
            '{"format_version": 9}',
            ValueError,
            "format_version 1. Received: 9 in .*Prepare the dataset again",
        ),
    ],
)
def test_a_folder_without_a_manifest_is_rejected(
    load, text, error, said, tmp_path
):
    if text:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(error, match=said):
        load(tmp_path)


@pytest.mark.parametrize("name", ["id", "labels", "r g b", "", "4k", "a/b"])
def test_no_modality_or_one_of_a_name_that_cannot_be_is_refused(name):
    message = f"'rgb'.*Received: {re.escape(repr([name]))}"
    with pytest.raises(ValueError, match=message):
        describe({"rgb": Modality(3), name: Modality(2)})
    with pytest.raises(ValueError, match="Received: no modality"):
        Description("tiny", ("a",), {})


def test_select_keeps_the_modalities_asked_for():
    chosen = describe(THREE).select(["flow", "rgb"])
    assert chosen.modalities == {"flow": THREE["flow"], "rgb": THREE["rgb"]}
    assert describe(THREE).select(None) == describe(THREE)
    message = "['rgb', 'audio', 'flow'], which tiny has. Received: ['x']"
    with pytest.raises(ValueError, match=re.escape(message)):
        describe(THREE).select(["rgb", "x"])


TRAIN = [draw_clips(describe(THREE), 5, 0), draw_clips(describe(THREE), 4, 1)]
TEST = [draw_clips(describe(THREE), 3, 2)]
FIRST = "train-00000-of-00002.tfrecord"


@pytest.fixture
def written(tmp_path):
    description = describe(THREE, seed=7, settings={"fps": 25})
    return write_dataset(tmp_path, description, train=TRAIN, test=TEST)


@pytest.mark.parametrize("as_path", [pathlib.Path, str])
def test_a_folder_gives_the_manifest_that_was_written(written, as_path):
    loaded = Manifest.load(as_path(written.directory))
    assert loaded.description == describe(THREE, seed=7, settings={"fps": 25})
    assert [x.num_clips for x in loaded.splits.values()] == [9, 3]
    assert loaded.dump() == written.dump()
    for name, split in written.splits.items():
        for key, mean in split.mean_features.items():
            again = loaded.split(name).mean_features[key]
            np.testing.assert_array_equal(again, mean)
    values = json.loads((written.directory / "manifest.json").read_text())
    files = [f"train-{i:05d}-of-00002.tfrecord" for i in range(2)]
    paths = [written.directory / file for file in files]
    assert written.paths("train") == list(map(str, paths))
    assert values["splits"]["train"]["shards"] == [
        {"file": file, "num_clips": count, "num_bytes": path.stat().st_size}
        for file, count, path in zip(files, (5, 4), paths, strict=True)
    ]


def test_classes_and_frames_of_a_splits_clips_are_counted(written):
    clips = [clip for shard in TRAIN for clip in shard]
    labels = [clip.labels[0] for clip in clips]
    split = written.split("train")
    assert split.class_counts.tolist() == [labels.count(c) for c in range(4)]
    assert split.class_counts.dtype == np.int64
    lengths = {n: [len(clip.frames[n]) for clip in clips] for n in THREE}
    assert split.max_num_frames == {n: max(x) for n, x in lengths.items()}
    assert split.num_absent == {n: x.count(0) for n, x in lengths.items()}
    assert max(split.num_absent.values()) > 0


def test_class_counts_count_every_label_of_a_multi_label_clip(tmp_path):
    frames = {"rgb": np.ones((1, 3), "float32")}
    labels = [(0, 3), (3,), (), (1, 3)]
    clips = [Clip(str(i), x, frames) for i, x in enumerate(labels)]
    description = describe(multi_label=True)
    manifest = write_dataset(tmp_path, description, train=[clips])
    assert manifest.split("train").class_counts.tolist() == [1, 1, 0, 3]


@pytest.mark.parametrize("name", THREE)
def test_mean_features_are_the_mean_over_all_frames(written, name):
    clips = [clip for shard in TRAIN for clip in shard]
    features = [expected_features(x, name, THREE[name]) for x in clips]
    expected = np.concatenate(features).astype("float64").mean(axis=0)
    mean = written.split("train").mean_features[name]
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, expected, rtol=1e-6, atol=1e-7)


def test_means_keep_float64s_precision_and_are_zero_without_frames(tmp_path):
    frames = np.full((20_000, 3), 0.1, "float32")
    frames[0] = 16_777_216.0
    clips = [Clip("long", (0,), {"rgb": frames})]
    manifest = write_dataset(tmp_path, describe(THREE), train=[clips])
    split = manifest.split("train")
    expected = frames.astype("float64").mean(axis=0).astype("float32")
    np.testing.assert_array_equal(split.mean_features["rgb"], expected)
    np.testing.assert_array_equal(split.mean_features["audio"], [0, 0])
    lengths = {"rgb": 20_000, "audio": 0, "flow": 0}
    assert split.max_num_frames == lengths


@pytest.mark.parametrize("change", [None, -1, 1])
def test_a_file_missing_or_of_another_size_is_refused_by_its_name(
    written, change
):
    path = written.directory / FIRST
    data = path.read_bytes()
    if change is None:
        path.unlink()
        error = FileNotFoundError
        message = f"{FIRST}.*Received: no such file. Copy the file again"
    else:
        path.write_bytes((data + b"\0")[: len(data) + change])
        error = ValueError
        message = f"{len(data)} bytes in .*{FIRST}.*{len(data) + change} bytes"
    with pytest.raises(error, match=message):
        Manifest.load(written.directory)


@pytest.mark.parametrize("ask", ["split", "paths"])
def test_an_unknown_split_is_refused(written, ask):
    message = re.escape("['test', 'train']. Received: split='dev'")
    with pytest.raises(ValueError, match=message):
        getattr(written, ask)("dev")


def test_a_manifest_without_absent_clips_can_still_be_read(written):
    path = written.directory / "manifest.json"
    values = json.loads(path.read_text())
    del values["splits"]["train"]["num_absent"]
    path.write_text(json.dumps(values))
    assert Manifest.load(written.directory).split("train").num_absent == {}
