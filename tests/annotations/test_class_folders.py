"""Clips in folders that are named by their class."""

import pytest

from ac_keras.annotations.class_folders import list_class_folders
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.clip_table import save_table


@pytest.fixture
def touch(tmp_path):
    """Makes empty files in the folder `videos`, which it gives."""

    def make(*names):
        for name in names:
            path = tmp_path / "videos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "videos"

    return make


def test_a_folder_of_classes_has_no_splits_and_can_be_saved(touch, tmp_path):
    names = ["bus/b.MP4", "it's, so/a,b.mp4", "run/#1 (x).mp4", "run/a b.wav"]
    rows = list_class_folders(touch(*names, "run/a.avi", "train/a.mkv"))
    assert rows == [
        ClipRow("bus/b.MP4", ("bus",), "", 0),
        ClipRow("it's, so/a,b.mp4", ("it's, so",), "", 0),
        ClipRow("run/#1 (x).mp4", ("run",), "", 0),
        ClipRow("run/a b.wav", ("run",), "", 0),
        ClipRow("run/a.avi", ("run",), "", 0),
        ClipRow("train/a.mkv", ("train",), "", 0),
    ]
    save_table(rows, tmp_path / "clips.csv")
    loaded = load_table(tmp_path / "clips.csv")
    assert [row[:3] for row in loaded] == [row[:3] for row in rows]


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_folders_of_splits_give_splits(touch, validation):
    root = touch("train/run/a.mp4", f"{validation}/run/b.mp4", "test/run/a.mp4")
    assert {row.path: row.split for row in list_class_folders(root)} == {
        "train/run/a.mp4": "train",
        f"{validation}/run/b.mp4": "validation",
        "test/run/a.mp4": "test",
    }


@pytest.mark.parametrize(
    "others, warnings",
    [
        (["run/.a.mp4", ".cache/x.mp4", ".DS_Store"], []),
        (
            ["run/a.txt", "notes.TXT", "run/b", "jump/c.jpg"],
            ["4 files of", "1 without one, 1 .jpg, 2 .txt", ": jump"],
        ),
    ],
)
def test_files_that_are_no_media_are_counted_unless_hidden(
    touch, caplog, others, warnings
):
    root = touch("run/a.mp4", *others)
    assert [row.path for row in list_class_folders(root)] == ["run/a.mp4"]
    assert all(warning in caplog.text for warning in warnings)
    assert bool(caplog.text) == bool(warnings)


@pytest.mark.parametrize(
    "names, message",
    [
        (["run/a.txt"], "one clip or more"),
        (["run/a.mp4", "run/a.avi"], "run/a.avi and run/a.mp4"),
        (["a.mp4", "run/b.mp4"], "a.mp4, not in a folder of its class"),
        (["train/a.mp4"], "not in a folder of its class"),
        (["train/run/a.mp4", "b.mp4"], "not in the folder of a split"),
        (["all/run/a.mp4"], "Received: the folder .*all/run"),
        (["train/run/a.mp4", "run/b.mp4"], "Received: the folder .*train/run"),
        (["val/run/a.mp4", "validation/run/b.mp4"], "val and validation"),
    ],
)
def test_a_folder_that_is_not_as_it_must_be_is_rejected(touch, names, message):
    with pytest.raises(ValueError, match=message):
        list_class_folders(touch(*names))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="root='.*/none'"):
        list_class_folders(tmp_path / "none")
