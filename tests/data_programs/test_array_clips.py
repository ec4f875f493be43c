"""NumPy files of features, and the clips that are made of them."""

import pathlib

import numpy as np
import pytest
from array_clips import ArrayReader
from array_clips import load_arrays

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.pipeline import encode_clip
from support.records.drawn_dataset import describe


def save(path, array):
    np.save(path, array)
    return path


def make_reader(folder):
    return ArrayReader(pathlib.Path("t.csv"), folder, describe(), "rgb")


def test_a_npy_file_is_one_modality_and_a_npz_file_one_each(tmp_path):
    path = save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    arrays = load_arrays(path, "flow")
    assert arrays["flow"].tolist() == [[0, 1, 2], [3, 4, 5]]
    frames = {"rgb": np.ones((2, 3)), "audio": np.full((5, 1), 2.0)}
    np.savez(tmp_path / "a.npz", **frames)
    arrays = load_arrays(tmp_path / "a.npz", "flow")
    assert {name: x.sum() for name, x in arrays.items()} == {
        "rgb": 6,
        "audio": 10,
    }


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
    path = save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=message):
        load_arrays(path, "rgb")


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


def test_clips_come_in_the_rows_order_with_labels_by_name(tmp_path):
    rows = []
    for i in range(40):
        save(tmp_path / f"c{i}.npy", np.full((1, 3), float(i)))
        rows.append(ClipRow(f"c{i}.npy", ("swim",), "train", i + 2))
    clips = list(make_reader(tmp_path).clips(rows))
    assert [clip.frames["rgb"][0, 0] for clip in clips] == list(range(40))
    assert [clip.id for clip in clips] == [f"c{i}" for i in range(40)]
    assert {clip.labels for clip in clips} == {(2,)}


def test_an_unknown_label_is_refused(tmp_path):
    save(tmp_path / "a.npy", np.ones((1, 3)))
    rows = [ClipRow("a.npy", ("sleep",), "train", 2)]
    with pytest.raises(ValueError, match="4 classes. Received: .'sleep'"):
        list(make_reader(tmp_path).clips(rows))


@pytest.mark.parametrize(
    "array, message",
    [(np.ones((2, 4)), r"shape=\(2, 4\)"), (np.full((1, 3), np.inf), "inf")],
)
def test_the_place_is_the_line_of_the_clip_that_does_not_fit(
    tmp_path, array, message
):
    save(tmp_path / "a.npy", np.ones((1, 3)))
    save(tmp_path / "b.npy", array)
    reader = make_reader(tmp_path)
    rows = [
        ClipRow("a.npy", ("run",), "train", 2),
        ClipRow("b.npy", ("run",), "train", 3),
        ClipRow("a.npy", ("run",), "train", 4),
    ]
    with pytest.raises(ValueError, match=message):
        for clip in reader.clips(rows):
            encode_clip(clip, describe())
    assert reader.place == "t.csv, line 3, b.npy"
