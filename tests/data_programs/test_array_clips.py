"""NumPy files of features, and the clips that are made of them."""

import pathlib

import numpy as np
import pytest
from array_clips import ArrayReader
from array_clips import load_arrays

from ac_keras.annotations.clip_table import ClipRow
from support.records.drawn_dataset import describe


def save(path, array):
    np.save(path, array)
    return path


def clips_of(folder, rows):
    table = pathlib.Path("t.csv")
    return list(ArrayReader(table, folder, describe(), "rgb").clips(rows))


def test_clips_come_in_the_rows_order_with_labels_by_name(tmp_path):
    rows = []
    for i in range(40):
        save(tmp_path / f"c{i}.npy", np.full((1, 3), float(i)))
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
