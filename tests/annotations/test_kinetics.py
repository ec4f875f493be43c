"""Official annotations of Kinetics, and the files of its clips."""

import json

import pytest

from ac_keras.annotations.kinetics import find_kinetics_files
from ac_keras.annotations.kinetics import read_annotations
from ac_keras.annotations.official_lists import ListedClip

TRAIN = (
    "label,youtube_id,time_start,time_end,split,is_cc\n"
    '"petting animal (not cat)",-3B32lodo2M,59,69,train,0\n'
    "massaging person's head,_dbcJuKJQNs,0,10,train,1\n"
)
VALIDATE = "label,youtube_id,time_start,time_end,split\nkissing,a,104,114,{}\n"
TEST = "youtube_id,time_start,time_end,split\nb,1,11,test\nc,2,12,test\n"
JSON = {
    "-3B32lodo2M": {
        "annotations": {"label": "kissing", "segment": [59.0, 69.0]},
        "duration": 10.0,
        "subset": "train",
        "url": "",
    },
    "b": {"duration": 10.0, "subset": "test", "url": ""},
}


@pytest.fixture
def read(tmp_path):
    def write_and_read(**texts):
        paths = [tmp_path / name.replace("_", ".") for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        clips, left_out = read_annotations(paths)
        return [clip[:4] for clip in clips], left_out

    return write_and_read


FIRST = "-3B32lodo2M_000059_000069.mp4"


@pytest.mark.parametrize("split", ["val", "validate", "validation"])
def test_validation_clips_are_our_test_and_test_clips_are_left_out(read, split):
    texts = {"val_csv": VALIDATE.format(split), "test_csv": TEST}
    clips, left_out = read(train_csv=TRAIN, **texts)
    assert left_out == 2
    head = "massaging person's head"
    assert clips == [
        (FIRST, "petting animal (not cat)", "train", "-3B32lodo2M"),
        ("_dbcJuKJQNs_000000_000010.mp4", head, "train", "_dbcJuKJQNs"),
        ("a_000104_000114.mp4", "kissing", "test", "a"),
    ]


def test_the_json_form_is_read(read):
    clips, left_out = read(train_json=json.dumps(JSON))
    assert clips == [(FIRST, "kissing", "train", "-3B32lodo2M")]
    assert left_out == 1


@pytest.mark.parametrize(
    "files, message",
    [
        ({"a_csv": "path,label\nx,y\n"}, r"Received: \['path', 'label'\]"),
        ({"a_csv": ""}, "Received: None"),
        ({"a_csv": TRAIN.replace("train", "dev")}, "line 2.*split='dev'"),
        ({"a_csv": TRAIN + ",z,1,2,train,0\n"}, "two times in .*line 4"),
        ({"a_csv": TRAIN + "x,z,,2,train,0\n"}, "'x', 'z', '', '2'"),
        ({"a_csv": TEST}, "2 test clips"),
        ({"a_json": "[]"}, "Expected {.ID.*AttributeError"),
        ({"a_json": '{"a": {}}'}, "KeyError"),
        ({"a_json": "{"}, "JSONDecodeError"),
        ({"a_csv": TRAIN, "b_csv": TRAIN}, "-3B32.*line 2 and .*b.csv, line"),
        ({"a_csv": TRAIN, "b_json": json.dumps(JSON)}, "CSV or JSON"),
    ],
)
def test_files_that_are_not_as_they_must_be_are_rejected(read, files, message):
    with pytest.raises(ValueError, match=message):
        read(**files)


def test_files_and_folders_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="train.csv. Received"):
        read_annotations([tmp_path / "train.csv"])
    with pytest.raises(FileNotFoundError, match="videos_dir='.*/none'"):
        find_kinetics_files([], tmp_path / "none")


CLIPS = [
    ListedClip("-A_b_000010_000020.mp4", "air drumming", "train", "-A_b"),
    ListedClip("C_000000_000010.mp4", "massaging person's head", "test", "C"),
]
OTHER = ListedClip("C_000030_000040.mp4", "kissing", "validation", "C")


def find(folder, files, clips=CLIPS):
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [clip.file for clip in find_kinetics_files(clips, folder)]


def test_what_is_not_there_has_no_file(tmp_path):
    (tmp_path / "C.mp4").symlink_to(tmp_path / "gone.mp4")
    files = ["-A_b_000010_000021.mp4", "C_000000_000010.mp4.part", ".C.mp4"]
    assert find(tmp_path, files) == [None, None]


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "kissing").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="one file of C_000000_000010.mp4"):
        find(tmp_path, ["C.mp4"])


@pytest.mark.parametrize("name", ["-A_b.mp4", "-A_b_000010_000020.mp4"])
def test_a_replacement_goes_before_the_corrupted_file(tmp_path, name):
    replacement = f"replacement/replacement_for_corrupted_k400/{name}"
    files = ["train/-A_b_000010_000020.mp4", replacement]
    assert find(tmp_path, files)[0] == replacement


BOTH = [CLIPS[1], OTHER]
LAYOUTS = {
    "flat": (CLIPS, ["-A_b_000010_000020.mp4", "C_000000_000010.mp4"]),
    "ids": (CLIPS, ["-A_b.mkv", "C.webm"]),
    "cvdf": (
        CLIPS,
        ["train/-A_b_000010_000020.mp4", "val/C_000000_000010.mp4"],
    ),
    "classes": (
        CLIPS,
        ["air drumming/-A_b.mp4", "massaging person's head/C.mp4"],
    ),
    "splits of classes": (
        CLIPS,
        ["videos_train/air_drumming/-A_b.mp4", "videos_val/x/C.MP4"],
    ),
    # Files of one id.
    "times": (BOTH, ["C_000000_000010.mp4", "C_000030_000040.mp4", "C.mp4"]),
    "different classes": (
        BOTH,
        ["massaging_persons_head/C.mp4", "kissing/C.mp4"],
    ),
    "different splits": (BOTH, ["val/C.mp4", "train/C.mp4"]),
}


@pytest.mark.parametrize("clips, files", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_is_found(tmp_path, clips, files):
    assert find(tmp_path, files, clips) == files[:2]


@pytest.mark.parametrize(
    "files, clips, message",
    [
        (["x/C.avi", "train/C.mp4"], CLIPS, "Received: train/C.mp4, x/C.avi"),
        (["C.mp4"], BOTH, "C_000000_000010.mp4 and C_000030_000040.mp4"),
    ],
    ids=["two files of a clip", "one file of two clips"],
)
def test_files_that_do_not_fit_the_clips_are_rejected(
    tmp_path, files, clips, message
):
    with pytest.raises(ValueError, match=message):
        find(tmp_path, files, clips)
