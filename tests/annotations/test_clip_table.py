"""Tables of clips, of files and of class folders: rows, labels, splits."""

import collections

import numpy as np
import pytest

from ac_keras.annotations.class_folders import list_class_folders
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import collect_class_names
from ac_keras.annotations.clip_table import is_multi_label
from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.clip_table import save_table
from ac_keras.annotations.splits import draw_splits

SIZES = {"a": 500, "b": 101, "c": 10, "d": 1}


def load(tmp_path, text):
    path = tmp_path / "clips.csv"
    path.write_text(text, encoding="utf-8")
    return load_table(path)


def many_clips():
    """Clips sorted by class."""
    names = [name for name in SIZES for _ in range(SIZES[name])]
    return [
        ClipRow(f"{i}.npy", (name,), "", i + 2) for i, name in enumerate(names)
    ]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_rows_are_read_in_order_with_their_lines(tmp_path, mark):
    clips = load(
        tmp_path,
        f'{mark}split,path,label\ntest,x/a.npy,run\n\ntrain,"b,c.npz",jump\n',
    )
    assert clips == [
        ClipRow("x/a.npy", ("run",), "test", 2),
        ClipRow("b,c.npz", ("jump",), "train", 4),
    ]
    assert [clip.id for clip in clips] == ["x/a", "b,c"]
    assert not is_multi_label(clips)


@pytest.mark.parametrize("label", ["a;b", "a|b", " a ; b ", "a;b;a", "a;;b"])
def test_several_labels_are_split(tmp_path, label):
    (clip,) = load(tmp_path, f"path,label\nx.npy,{label}\n")
    assert clip.labels == ("a", "b")
    assert is_multi_label([clip])


@pytest.mark.parametrize(
    "labels, expected",
    [
        (["b", "a", "10"], ("10", "a", "b")),
        (["10", "9", "100"], ("9", "10", "100")),
    ],
)
def test_classes_are_sorted(labels, expected):
    clips = [ClipRow(x, (x,), "", 2) for x in labels]
    assert collect_class_names(clips) == expected


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "columns path,label.*Received: .]"),
        ("path,label\n", "one clip or more"),
        ("file,label\na.npy,x\n", "'file'"),
        ("path,label,split\na.npy,x,dev\n", "line 2. Received: split='dev'"),
        ("path,label\na.npy,x\nb.npy,x\na.npz,y\n", "'a' in line 2 and line 4"),
        ("path,label,split\na.npy,x,train\nb.npy,x,\n", "none in line 3"),
        ("path,label\n,x\n", "path of a file in .*line 2"),
    ],
)
def test_a_table_that_is_not_as_it_must_be_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, text)


def test_a_saved_table_is_read_as_it_was(tmp_path):
    rows = [
        ClipRow('odd/#1 "q", (b); |c.mp4', ("a b", "it's"), "train", 2),
        ClipRow("\u00fc.mp4", ("a b",), "validation", 3),
        ClipRow("unlabelled.mp4", (), "test", 4),
    ]
    save_table(rows, tmp_path / "clips.csv")
    assert load_table(tmp_path / "clips.csv") == rows
    assert [x.name for x in tmp_path.iterdir()] == ["clips.csv"]
    save_table([ClipRow("a.mp4", ("x", "y"), "")], tmp_path / "clips.csv")
    saved = (tmp_path / "clips.csv").read_text()
    assert saved == "path,label\na.mp4,x;y\n"


@pytest.mark.parametrize(
    "rows, message",
    [
        ([], "one clip or more"),
        ([ClipRow("a.avi", ("x",), ""), ClipRow("a.mp4", ("x",), "")], "once"),
        ([ClipRow("a.mp4", ("x",), "")] * 2, "'a' in a.mp4 and a.mp4"),
        (
            [ClipRow("a", ("x",), "test"), ClipRow("b", ("x",), "")],
            "none in b",
        ),
        ([ClipRow("a", ("x",), "dev")], "split='dev' of 'a'"),
        ([ClipRow("a", ("x;y",), "")], "'x;y'"),
        ([ClipRow("a", ("x", "x"), "")], "that differ"),
        ([ClipRow("a", ("x ",), "")], "Received: 'x '"),
        ([ClipRow("a", ("",), "")], "Received: ''"),
        ([ClipRow(" a", ("x",), "")], "Received: ' a'"),
        ([ClipRow("a\nb", ("x",), "")], "in one line"),
        ([ClipRow("a\udc80", ("x",), "")], "in UTF-8"),
    ],
)
def test_rows_that_would_be_read_otherwise_are_not_saved(
    tmp_path, rows, message
):
    path = tmp_path / "clips.csv"
    path.write_text("an older table")
    with pytest.raises(ValueError, match=message):
        save_table(rows, path)
    assert path.read_text() == "an older table"


@pytest.mark.parametrize("seed", range(5))
def test_a_split_has_its_share_of_every_class_and_no_clip_twice(seed):
    clips = many_clips()
    splits = draw_splits(clips, 0.1, 0.2, seed)
    drawn = [clip.line for split in splits.values() for clip in split]
    assert sorted(drawn) == [clip.line for clip in clips]
    for split, share in {"train": 0.7, "validation": 0.1, "test": 0.2}.items():
        counts = collections.Counter(clip.labels[0] for clip in splits[split])
        for name, size in SIZES.items():
            assert abs(counts[name] - share * size) < 2


def test_the_seed_decides_the_draw_and_training_is_in_random_order():
    first, again, other = (
        draw_splits(many_clips(), 0.1, 0.0, seed) for seed in (3, 3, 4)
    )
    assert first == again
    assert set(first["validation"]) != set(other["validation"])
    assert list(first) == ["train", "validation"]
    lines = [clip.line for clip in first["train"]]
    assert abs(np.corrcoef(lines, np.arange(len(lines)))[0, 1]) < 0.2


def test_the_tables_splits_are_kept():
    clips = [
        ClipRow("a", ("x",), "train", 2),
        ClipRow("b", ("x",), "test", 3),
        ClipRow("c", ("x",), "test", 4),
    ]
    splits = draw_splits(clips, 0, 0, 0)
    assert splits == {"train": clips[:1], "test": clips[1:]}
    with pytest.raises(ValueError, match="table has splits"):
        draw_splits(clips, 0.1, 0, 0)


@pytest.mark.parametrize(
    "count, shares, message",
    [
        (None, (0.5, 0.5), "sum below 1"),
        (None, (-0.1, 0.2), "sum below 1"),
        (None, (1.0, 0), "sum below 1"),
        (3, (0, 1e-9), "none of 3 clips for .'test'"),
    ],
)
def test_shares_that_leave_a_split_empty_are_refused(count, shares, message):
    with pytest.raises(ValueError, match=message):
        draw_splits(many_clips()[:count], *shares, 0)


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
