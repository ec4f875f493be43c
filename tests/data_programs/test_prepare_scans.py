"""data/youtube8m and data/mediasequence: prepare.py, run as programs."""

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from support.datasets.data_program import refusal
from support.datasets.data_program import run_prepare_well
from support.records.external_records import dequantise
from support.records.external_records import draw_video
from support.records.external_records import media_record
from support.records.external_records import read
from support.records.external_records import segment_record
from support.records.plain_records import write_records

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def videos():
    rng = np.random.default_rng(0)
    return [draw_video(rng, i, 20, [i, 9]) for i in range(4)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, videos):
    """Two training files and one for validation, with ratings."""
    directory = tmp_path_factory.mktemp("source")
    rng = np.random.default_rng(1)
    records = [segment_record(rng, x, [(5, 7, 1.0)]) for x in videos]
    write_records(directory / "train1.tfrecord", records[1:2])
    write_records(directory / "train0.tfrecord", records[:1])
    write_records(directory / "validate0.tfrecord", records[2:])
    (directory / "vocabulary.csv").write_text(
        "Index,Name,WikiUrl\n"
        + "".join(f"{i},{'' if i == 3 else f'Thing {i}'},\n" for i in range(10))
    )
    return directory


def options(folder, output, **changed):
    return {
        "train": folder / "train*.tfrecord",
        "validation": folder / "validate*.tfrecord",
        "modalities": "rgb:8,audio:4",
        "output_dir": output,
        **changed,
    }


def test_youtube8m_videos_are_read_by_their_manifest(folder, tmp_path, videos):
    said = run_prepare_well("youtube8m", **options(folder, tmp_path))
    assert said.splitlines() == [
        "train: 2 clips (0 without rgb, 0 without audio), 2 files, 3 classes",
        "validation: 2 clips (0 without rgb, 0 without audio), 1 files, "
        "3 classes",
        f"The manifest is in {tmp_path}",
    ]
    manifest = Manifest.load(tmp_path)
    assert manifest.description.num_classes == 3862
    clips = read(manifest)
    assert list(clips) == ["vid0", "vid1"]  # in the order of the files' names
    features, labels = clips["vid1"]
    expected = dequantise(videos[1]["frames"]["rgb"])
    np.testing.assert_allclose(features["rgb"], expected, atol=1e-6)
    assert np.flatnonzero(labels).tolist() == [1, 9]


def test_segments_are_clips_and_classes_have_the_vocabularys_names(
    folder, tmp_path
):
    changed = {"vocabulary": folder / "vocabulary.csv", "num_classes": 10}
    flags = options(folder, tmp_path, **changed)
    run_prepare_well("youtube8m", "--segments", **flags)
    manifest = Manifest.load(tmp_path)
    assert list(read(manifest)) == ["vid0:5", "vid1:5"]
    names = manifest.description.class_names
    assert names[2:4] == ("Thing 2", "class 3")


@pytest.mark.parametrize(
    "dataset, changed, parts",
    [
        (
            "youtube8m",
            {"validation": "/nothing*"},
            ["one file or more for split 'validation'"],
        ),
        (
            "mediasequence",
            {"modalities": "rgb:3", "num_classes": 2},
            ["such as rgb:RGB:1024", "'rgb:3'"],
        ),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    dataset, changed, parts, folder, tmp_path
):
    said = refusal(dataset, **options(folder, tmp_path, **changed))
    assert all(part in said for part in parts)
    assert not list(tmp_path.iterdir())


def test_youtube8m_of_its_own_dims_is_asked_for_by_default(folder, tmp_path):
    train = folder / "train0.tfrecord"
    said = refusal("youtube8m", train=train, output_dir=tmp_path)
    assert "frames of 1024 bytes" in said and "train0.tfrecord" in said


def test_mediasequence_records_are_read_by_their_manifest(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(6, 3)).astype("float32")
    record = media_record(rng, "a", [1], {"IMAGE": frames})
    write_records(tmp_path / "records", [record])
    said = run_prepare_well(
        "mediasequence",
        train=tmp_path / "records",
        modalities="rgb:IMAGE:3",
        num_classes=2,
        output_dir=tmp_path,
    )
    assert said.startswith("train: 1 clips (0 without rgb), 1 files, 1 classes")
    features, label = read(Manifest.load(tmp_path))["a"]
    np.testing.assert_array_equal(features["rgb"], frames)
    assert label == 1
