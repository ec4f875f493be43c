"""Feature deviations of a manifest, and manifests that lack them."""

import json

import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import add_deviations
from ac_keras.pipeline import scan_records
from support.programs import DATA
from support.programs import run_program
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.drawn_dataset import write_dataset


@pytest.fixture
def clips():
    return draw_clips(describe(THREE), 7)


@pytest.fixture
def manifest(tmp_path, clips):
    shards = [clips[:3], clips[3:4], clips[4:]]
    description = describe(THREE)
    return write_dataset(tmp_path, description, train=shards, test=[clips[:4]])


def remove_deviations(manifest):
    """Makes the manifest one of version 0.1.0; returns its values."""
    path = manifest.directory / "manifest.json"
    values = json.loads(path.read_text())
    for split in values["splits"].values():
        del split["feature_deviations"]
    path.write_text(json.dumps(values))
    return values


def assert_deviations(split, clips, rtol=1e-5):
    for name, modality in THREE.items():
        frames = np.concatenate(
            [expected_features(clip, name, modality) for clip in clips]
        )
        expected = frames.astype("float64").std(axis=0)
        assert expected.min() > 0.1
        np.testing.assert_allclose(
            split.feature_deviations[name], expected, rtol=rtol
        )


def test_they_are_over_the_frames_of_all_shards(manifest, clips):
    assert_deviations(manifest.split("train"), clips)
    assert_deviations(manifest.split("test"), clips[:4])
    again = Manifest.load(manifest.directory).split("train")
    for name, deviation in manifest.split("train").feature_deviations.items():
        np.testing.assert_array_equal(again.feature_deviations[name], deviation)


def test_a_scan_finds_those_that_the_writer_found(manifest, clips, tmp_path):
    scanned = scan_records(
        tmp_path / "scanned",
        describe(THREE),
        {"train": manifest.paths("train")},
    )
    assert_deviations(scanned.split("train"), clips)


def test_they_are_added_to_a_manifest_of_version_0_1_0(manifest, clips):
    before = remove_deviations(manifest)
    old = Manifest.load(manifest.directory)
    assert old.split("train").feature_deviations == {}
    added = add_deviations(old)
    assert_deviations(added.split("train"), clips)
    assert_deviations(added.split("test"), clips[:4])
    path = manifest.directory / "manifest.json"
    assert remove_deviations(added) == before
    files = {x.name for x in manifest.directory.iterdir()}
    assert files == {path.name, *(x.file for x in _shards(added))}


def _shards(manifest):
    return [x for split in manifest.splits.values() for x in split.shards]


@pytest.mark.programs
def test_the_program_adds_them_once(manifest, clips):
    remove_deviations(manifest)
    flag = f"--data_dir={manifest.directory}"
    process = run_program(DATA / "add_deviations.py", flag)
    assert process.returncode == 0, process.stderr
    assert_deviations(Manifest.load(manifest.directory).split("train"), clips)
    path = manifest.directory / "manifest.json"
    text = path.read_bytes()
    assert run_program(DATA / "add_deviations.py", flag).returncode == 0
    assert path.read_bytes() == text


def test_deviations_of_other_dims_are_rejected(manifest):
    path = manifest.directory / "manifest.json"
    values = json.loads(path.read_text())
    values["splits"]["test"]["feature_deviations"]["rgb"].pop()
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match="feature deviations of .*'rgb': 2"):
        Manifest.load(manifest.directory)
