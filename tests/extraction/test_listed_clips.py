"""Clips of official lists: which are there, and the table of those."""

import pytest

from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.official_lists import find_files
from ac_keras.annotations.official_lists import missing_table
from ac_keras.annotations.official_lists import read_list
from ac_keras.annotations.official_lists import write_listed

CLIPS = [
    ListedClip("run/a.avi", "run", "train", "a"),
    ListedClip("run/b.avi", "run", "validation", "b"),
    ListedClip("jump/c.avi", "jump", "test", "c"),
]


@pytest.fixture
def videos(tmp_path):
    """A folder with two of the three videos."""
    folder = tmp_path / "mine" / "videos"
    for name in ("run/a.avi", "jump/c.avi"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).touch()
    return folder


def write(videos, table):
    return write_listed(find_files(CLIPS, videos), videos, table)


def test_found_and_missing_clips_are_told_apart(videos, tmp_path):
    table = tmp_path / "mine" / "clips.csv"
    assert write(videos, table) == [
        "train: 1 clips, 0 missing",
        "validation: 0 clips, 1 missing",
        "test: 1 clips, 0 missing",
        f"The missing ones are in {tmp_path}/mine/clips.missing.csv",
        f"The table is in {table}",
    ]
    assert [row[:3] for row in load_table(table)] == [
        ("videos/run/a.avi", ("run",), "train"),
        ("videos/jump/c.avi", ("jump",), "test"),
    ]
    (missing,) = load_table(missing_table(table))
    assert missing[:3] == ("run/b.avi", ("run",), "validation")


@pytest.mark.parametrize("place", ["mine/videos", "mine", ".", "other/tables"])
def test_paths_start_from_the_tables_folder(videos, tmp_path, place):
    write(videos, tmp_path / place / "clips.csv")
    rows = load_table(tmp_path / place / "clips.csv")
    files = [(tmp_path / place / row.path).resolve() for row in rows]
    assert files == [videos / "run/a.avi", videos / "jump/c.avi"]


def test_paths_through_links_lead_to_the_files(videos, tmp_path):
    (tmp_path / "far" / "tables").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path / "far" / "tables")
    write(videos, tmp_path / "linked" / "clips.csv")
    row = load_table(tmp_path / "linked" / "clips.csv")[0]
    assert (tmp_path / "linked" / row.path).is_file()


def test_a_linked_folder_of_videos_keeps_its_name(videos, tmp_path):
    (tmp_path / "link").symlink_to(videos)
    write(tmp_path / "link", tmp_path / "clips.csv")
    assert load_table(tmp_path / "clips.csv")[0].path == "link/run/a.avi"


def test_missing_clips_that_came_are_missing_no_longer(videos):
    table = videos / "clips.csv"
    write(videos, table)
    (videos / "run/b.avi").touch()
    said = write(videos, table)
    assert said[1] == "validation: 1 clips, 0 missing"
    assert not missing_table(table).exists()


def test_where_no_video_is_there_the_older_table_stays(tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("older")
    with pytest.raises(FileNotFoundError) as raised:
        write(tmp_path / "none", table)
    said = str(raised.value)
    assert f"such as run/a.avi in {tmp_path}/none. Received: none" in said
    assert table.read_text() == "older"
    assert not missing_table(table).exists()


def test_a_name_that_the_lists_have_twice_is_refused(videos, tmp_path):
    with pytest.raises(ValueError, match=r"twice \['run/a.avi'\]"):
        write_listed([*CLIPS, CLIPS[0]], videos, tmp_path / "clips.csv")


def test_a_lists_empty_lines_are_passed_over(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"a 1 \r\n\r\nb 2")
    assert read_list(path) == [(1, "a 1"), (3, "b 2")]
    with pytest.raises(FileNotFoundError, match="none.txt. Received"):
        read_list(tmp_path / "none.txt")
