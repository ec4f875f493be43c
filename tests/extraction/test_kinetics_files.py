"""Kinetics' videos in the layouts that are about."""

import pytest

from ac_keras.annotations.kinetics import find_kinetics_files
from ac_keras.annotations.official_lists import ListedClip

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


@pytest.mark.parametrize(
    "files",
    [
        ["-A_b_000010_000020.mp4", "C_000000_000010.mp4"],
        ["-A_b.mkv", "C.webm"],
        ["train/-A_b_000010_000020.mp4", "val/C_000000_000010.mp4"],
        ["air drumming/-A_b.mp4", "massaging person's head/C.mp4"],
        ["videos_train/air_drumming/-A_b.mp4", "videos_val/x/C.MP4"],
    ],
    ids=["flat", "ids", "cvdf", "classes", "splits of classes"],
)
def test_every_layout_is_found(tmp_path, files):
    assert find(tmp_path, files) == files


def test_what_is_not_there_has_no_file(tmp_path):
    files = ["-A_b_000010_000021.mp4", "C_000000_000010.mp4.part", ".C.mp4"]
    assert find(tmp_path, files) == [None, None]


def test_a_link_that_leads_nowhere_is_no_file(tmp_path):
    (tmp_path / "C.mp4").symlink_to(tmp_path / "gone.mp4")
    assert find(tmp_path, []) == [None, None]


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "kissing").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="one file of C_000000_000010.mp4"):
        find(tmp_path, ["C.mp4"])


def test_times_go_before_the_id_alone(tmp_path):
    files = ["C.mp4", "C_000000_000010.mp4", "C_000030_000040.mp4"]
    assert find(tmp_path, files, [CLIPS[1], OTHER]) == files[1:]


@pytest.mark.parametrize("name", ["-A_b.mp4", "-A_b_000010_000020.mp4"])
def test_a_replacement_goes_before_the_corrupted_file(tmp_path, name):
    replacement = f"replacement/replacement_for_corrupted_k400/{name}"
    files = ["train/-A_b_000010_000020.mp4", replacement]
    assert find(tmp_path, files)[0] == replacement


def test_the_class_and_the_split_tell_files_of_one_name_apart(tmp_path):
    files = ["massaging_persons_head/C.mp4", "kissing/C.mp4"]
    assert find(tmp_path, files, [CLIPS[1], OTHER]) == files
    files = ["train/D.mp4", "val/D.mp4"]
    clips = [OTHER._replace(group="D"), CLIPS[1]._replace(group="D")]
    assert find(tmp_path, files, clips) == files


def test_two_files_of_a_clip_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: train/C.mp4, x/C.avi"):
        find(tmp_path, ["x/C.avi", "train/C.mp4"])


def test_one_file_of_two_clips_is_refused(tmp_path):
    with pytest.raises(ValueError) as raised:
        find(tmp_path, ["C.mp4"], [CLIPS[1], OTHER])
    assert "C_000000_000010.mp4 and C_000030_000040.mp4" in str(raised.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="videos_dir='.*/none'"):
        find_kinetics_files(CLIPS, tmp_path / "none")
