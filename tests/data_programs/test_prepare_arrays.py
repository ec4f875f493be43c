"""NumPy files of features, and data/arrays/prepare.py on small ones."""

import pathlib

import numpy as np
import pytest
from array_clips import ArrayReader
from array_clips import load_arrays

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.pipeline import Manifest
from support.datasets.data_program import refusal
from support.datasets.data_program import run_prepare_well
from support.records.drawn_dataset import describe
from support.records.external_records import read
from support.records.plain_records import folder_contents


def write_table(folder, lines, columns="path,label,split"):
    path = folder / "clips.csv"
    path.write_text("\n".join([columns, *lines]) + "\n")
    return path


@pytest.fixture
def arrays(tmp_path):
    """Six clips of .npz files, `c0` to `c5`, the last one without audio."""
    rng, arrays = np.random.default_rng(0), {}
    for i in range(6):
        arrays[f"c{i}"] = {"rgb": rng.normal(size=(i + 1, 4)).astype("float32")}
        if i < 5:
            audio = rng.normal(size=(3, 2)).astype("float32")
            arrays[f"c{i}"]["audio"] = audio
        np.savez(tmp_path / f"c{i}.npz", **arrays[f"c{i}"])
    return arrays


@pytest.mark.programs
def test_arrays_come_back_from_the_dataset(tmp_path, arrays):
    lines = [
        f"c{i}.npz,{'dog' if i % 2 else 'cat'},{'train' if i < 4 else 'test'}"
        for i in range(6)
    ]
    table, output = write_table(tmp_path, lines), tmp_path / "out"
    said = run_prepare_well("arrays", table=table, output_dir=output)
    assert said.splitlines() == [
        "train: 4 clips, 1 files",
        "test: 2 clips, 1 files",
        f"The dataset is in {output}",
    ]
    manifest = Manifest.load(output)
    assert manifest.description.class_names == ("cat", "dog")
    assert manifest.split("test").num_absent == {"rgb": 0, "audio": 1}
    clips = {**read(manifest), **read(manifest, "test")}
    assert list(read(manifest, "test")) == ["c4", "c5"]
    for i, (id, frames) in enumerate(arrays.items()):
        features, label = clips[id]
        assert label == i % 2
        for name in ("rgb", "audio"):
            count = features[f"{name}_num_frames"]
            own = frames.get(name, np.zeros((0, features[name].shape[1])))
            np.testing.assert_array_equal(features[name][:count], own)
    write_table(tmp_path, lines[1:])
    said = refusal("arrays", table=table, output_dir=output)
    assert "table_sha256" in said


@pytest.mark.programs
def test_several_labels_and_uint8_are_stored(tmp_path):
    frames = np.array([[0, 128], [255, 1]], "uint8")
    np.save(tmp_path / "a.npy", frames)
    np.save(tmp_path / "b.npy", np.array([[-1.0, 1.0]]))
    table = write_table(tmp_path, ["a.npy,x;z", "b.npy,y"], "path,label")
    run_prepare_well(
        "arrays",
        table=table,
        output_dir=tmp_path / "out",
        dtype="uint8",
        value_range="-1,1",
        modality="flow",
    )
    clips = read(Manifest.load(tmp_path / "out"))
    features, labels = clips["a"]
    expected = frames.astype("float64") * 2 / 255 - 1
    np.testing.assert_allclose(features["flow"], expected, atol=1e-6)
    assert labels.tolist() == [1, 0, 1]
    np.testing.assert_allclose(clips["b"][0]["flow"][0], [-1, 1], atol=1e-6)


@pytest.mark.programs
def test_a_bad_clip_is_named_and_what_was_written_is_kept(tmp_path, arrays):
    lines = [f"c{i}.npz,cat,train" for i in range(6)]
    table = write_table(tmp_path, lines)
    good = (tmp_path / "c3.npz").read_bytes()
    bad = {"rgb": np.full((2, 4), np.nan), "audio": np.ones((1, 2))}
    np.savez(tmp_path / "c3.npz", **bad)
    options = {"table": table, "clips_per_shard": 1}
    stopped = tmp_path / "stopped"
    said = refusal("arrays", output_dir=stopped, **options)
    assert f"{table}, line 5, c3.npz: Clip 'c3', modality 'rgb'" in said
    assert "NaN" in said and not (stopped / "manifest.json").exists()
    (tmp_path / "c3.npz").write_bytes(good)
    run_prepare_well("arrays", output_dir=stopped, **options)
    run_prepare_well("arrays", output_dir=tmp_path / "whole", **options)
    assert folder_contents(stopped) == folder_contents(tmp_path / "whole")
    assert len(read(Manifest.load(stopped))) == 6


def clips_of(folder, rows):
    table = pathlib.Path("t.csv")
    return list(ArrayReader(table, folder, describe(), "rgb").clips(rows))


def test_clips_come_in_the_rows_order_with_labels_by_name(tmp_path):
    rows = []
    for i in range(40):
        np.save(tmp_path / f"c{i}.npy", np.full((1, 3), float(i)))
        rows.append(ClipRow(f"c{i}.npy", ("swim",), "train", i + 2))
    clips = clips_of(tmp_path, rows)
    assert [clip.frames["rgb"][0, 0] for clip in clips] == list(range(40))
    assert [clip.id for clip in clips] == [f"c{i}" for i in range(40)]
    assert {clip.labels for clip in clips} == {(2,)}
    unknown = rows[0]._replace(labels=("sleep",))
    with pytest.raises(ValueError, match="4 classes. Received: .'sleep'"):
        clips_of(tmp_path, [unknown])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(3), r"\(num_frames, dim\).*a.npy"),
        (np.ones((1, 2, 3)), r"\(num_frames, dim\).*a.npy"),
        (np.array([["a"]]), r"\(num_frames, dim\).*a.npy"),
        (np.array([[{}]], object), "cannot be read"),  # pickled
    ],
)
def test_an_array_of_something_else_is_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=message):
        load_arrays(tmp_path / "a.npy", "rgb")


@pytest.mark.parametrize("data", [b"", b"half", b"\x93NUMPY\x01\x00v\x00{"])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_broken_file_is_refused(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=f"{name}, which cannot be read"):
        load_arrays(tmp_path / name, "rgb")


def test_a_missing_file_and_one_of_another_kind_are_rejected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no .*b.npy"):
        load_arrays(tmp_path / "b.npy", "rgb")
    with pytest.raises(ValueError, match=".npy or .npz.*b.mat"):
        load_arrays(tmp_path / "b.mat", "rgb")
