"""Official lists of UCF101 and HMDB51, and tables of their clips."""

import collections

import pytest

from ac_keras.annotations import hmdb51
from ac_keras.annotations import ucf101
from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.official_lists import find_files
from ac_keras.annotations.official_lists import missing_table
from ac_keras.annotations.official_lists import read_list
from ac_keras.annotations.official_lists import write_listed
from ac_keras.annotations.splits import hold_out_groups

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


def write_table(videos, table):
    return write_listed(find_files(CLIPS, videos), videos, table)


def test_clips_are_missing_until_their_files_are_there(videos, tmp_path):
    table = tmp_path / "mine" / "clips.csv"
    assert write_table(videos, table) == [
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
    (videos / "run/b.avi").touch()
    assert write_table(videos, table)[1] == "validation: 1 clips, 0 missing"
    assert not missing_table(table).exists()


@pytest.mark.parametrize(
    "place", ["mine/videos", "mine", ".", "other/tables", "linked"]
)
def test_paths_start_from_the_tables_folder(videos, tmp_path, place):
    (tmp_path / "far" / "tables").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path / "far" / "tables")
    write_table(videos, tmp_path / place / "clips.csv")
    rows = load_table(tmp_path / place / "clips.csv")
    files = [(tmp_path / place / row.path).resolve() for row in rows]
    assert files == [videos / "run/a.avi", videos / "jump/c.avi"]


def test_paths_keep_a_link_to_the_videos(videos, tmp_path):
    (tmp_path / "link").symlink_to(videos)
    write_table(tmp_path / "link", tmp_path / "clips.csv")
    assert load_table(tmp_path / "clips.csv")[0].path == "link/run/a.avi"


def test_where_no_video_is_there_the_older_table_stays(tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("older")
    message = f"such as run/a.avi in {tmp_path}/none. Received: none"
    with pytest.raises(FileNotFoundError, match=message):
        write_table(tmp_path / "none", table)
    assert table.read_text() == "older"
    assert not missing_table(table).exists()


def test_a_name_that_the_lists_have_twice_is_rejected(videos, tmp_path):
    with pytest.raises(ValueError, match=r"twice \['run/a.avi'\]"):
        write_listed([*CLIPS, CLIPS[0]], videos, tmp_path / "clips.csv")


def test_a_lists_empty_lines_are_passed_over(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"a 1 \r\n\r\nb 2")
    assert read_list(path) == [(1, "a 1"), (3, "b 2")]
    with pytest.raises(FileNotFoundError, match="none.txt. Received"):
        read_list(tmp_path / "none.txt")


LISTS = {
    "classInd.txt": "1 Archery\r\n2 Yoyo\r\n",
    "trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\r\n"
    "Archery/v_Archery_g15_c02.avi 1\r\n"
    "Yoyo/v_YoYo_g01_c01.avi 2\r\n",
    "testlist02.txt": "Yoyo/v_YoYo_g08_c03.avi\r\n",
}


@pytest.fixture
def read_ucf101(tmp_path):
    def read_lists(split=2, **changed):
        lists = {**LISTS, **{f"{k}.txt": v for k, v in changed.items()}}
        for name, text in lists.items():
            (tmp_path / name).write_bytes(text.encode())
        return ucf101.read_lists(tmp_path, split)

    return read_lists


def test_both_lists_of_a_split_are_read_and_groups_held_out(read_ucf101):
    clips = read_ucf101()
    assert [clip[:4] for clip in clips] == [
        ("Archery/v_Archery_g01_c01.avi", "Archery", "train", "Archery/g01"),
        ("Archery/v_Archery_g15_c02.avi", "Archery", "train", "Archery/g15"),
        ("Yoyo/v_YoYo_g01_c01.avi", "Yoyo", "train", "Yoyo/g01"),
        ("Yoyo/v_YoYo_g08_c03.avi", "Yoyo", "test", "Yoyo/g08"),
    ]
    splits = [clip.split for clip in ucf101.hold_out_numbers(clips, {1})]
    assert splits == ["validation", "train", "validation", "test"]
    for numbers in ({8}, {1, 15}, {1, 99}):
        with pytest.raises(ValueError, match=r"training groups \[1, 15\]"):
            ucf101.hold_out_numbers(clips, numbers)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"classInd": "Archery 1\n"}, "'Archery 1' in line 1"),
        ({"trainlist02": "\nArchery/x.avi 1\n"}, "'Archery/x.avi 1' in line 2"),
        ({"testlist02": "Golf/v_Golf_g01_c01.avi\n"}, "as in classInd.txt"),
        ({"trainlist02": "Archery/v_Archery_g01_c01.avi 2"}, "as in classInd"),
    ],
)
def test_a_list_of_another_form_is_rejected(read_ucf101, changed, message):
    with pytest.raises(ValueError, match=message):
        read_ucf101(**changed)


def test_a_list_that_is_not_there_is_named(read_ucf101):
    with pytest.raises(FileNotFoundError, match="trainlist01.txt. Received"):
        read_ucf101(split=1)


CARTWHEEL = (
    "(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi 1 \n"
    "a;b_|c_cartwheel_f_nm_np1_ba_med_12.avi 2 \n"
    "unused_cartwheel_f_nm_np1_ba_med_1.avi 0 \n"
)
CLAP = "#20_Rhythm_clap_u_nm_np1_fr_goo_0.avi 2\n\n"


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "cartwheel_test_split1.txt").write_text(CARTWHEEL)
    (tmp_path / "clap_test_split1.txt").write_text(CLAP)
    (tmp_path / "clap_test_split2.txt").write_text("x.avi 1\n")
    return tmp_path


def test_the_lists_of_all_classes_are_read(lists):
    clips, unused = hmdb51.read_lists(lists, 1)
    assert unused == 1
    assert [clip.name for clip in clips] == [
        "cartwheel/(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi",
        "cartwheel/a;b_|c_cartwheel_f_nm_np1_ba_med_12.avi",
        "clap/#20_Rhythm_clap_u_nm_np1_fr_goo_0.avi",
    ]
    assert [clip[1:4] for clip in clips] == [
        ("cartwheel", "train", "(Rad)Schlag_die_Bank!"),
        ("cartwheel", "test", "a;b_|c"),
        ("clap", "test", "#20_Rhythm"),
    ]


@pytest.mark.parametrize(
    "name, source",
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0.avi", "April_09"),
        ("April_09_brush_hair_u_cm_np2_ri_bad_11.avi", "April_09"),
        ("Film_wave_u_nm_np1_ba_goo_0.avi", "Film_wave"),
        ("of_another_form.avi", "of_another_form"),
    ],
)
def test_the_source_is_what_stands_before_the_class(name, source):
    assert hmdb51.source_of(name, "brush_hair") == source


@pytest.mark.parametrize("line", ["a.avi", "a.avi 3", " 1", "clap/a.avi 1"])
def test_a_line_of_another_form_is_rejected(lists, line):
    (lists / "clap_test_split1.txt").write_text(f"{CLAP}{line}\n")
    with pytest.raises(ValueError, match="clap_test_split1.txt.*line 3"):
        hmdb51.read_lists(lists, 1)


def test_a_folder_without_lists_is_named(lists):
    with pytest.raises(FileNotFoundError, match="brush_hair_test_split3.txt"):
        hmdb51.read_lists(lists, 3)


def listed(label, group, index, split="train"):
    name = f"{label}/{group}_{index}.avi"
    return ListedClip(name, label, split, group)


# Two classes of 20 groups of 5 clips, of which `shared` has clips of both.
GROUPED = [
    listed(label, "shared" if i == 0 else f"{label}{i}", k)
    for label in ("run", "jump")
    for i in range(20)
    for k in range(5)
] + [listed("run", "run1", k, "test") for k in range(5, 9)]


@pytest.mark.parametrize("seed", range(6))
def test_a_group_is_held_out_whole_and_a_class_gives_its_share(seed):
    clips = hold_out_groups(GROUPED, 0.2, seed)
    assert [clip.name for clip in clips] == [clip.name for clip in GROUPED]
    assert clips[-4:] == GROUPED[-4:]  # Of the test.
    held = [clip for clip in clips if clip.split == "validation"]
    counts = collections.Counter(clip.label for clip in held)
    assert counts == {"run": 20, "jump": 20}
    training = {clip.group for clip in clips if clip.split == "train"}
    assert not training & {clip.group for clip in held}


def test_the_seed_decides_and_the_files_do_not():
    with_files = [clip._replace(file=clip.name) for clip in GROUPED[::-1]]
    first, again, other = (
        {(x.name, x.split) for x in hold_out_groups(clips, 0.2, seed)}
        for clips, seed in ((GROUPED, 1), (with_files, 1), (GROUPED, 2))
    )
    assert first == again != other
    assert hold_out_groups(GROUPED, 0, 0) == GROUPED


@pytest.mark.parametrize(
    "share, message", [(1, "share=1"), (-0.1, "share=-0.1"), (0.01, "Raise it")]
)
def test_a_share_that_cannot_be_is_rejected(share, message):
    with pytest.raises(ValueError, match=message):
        hold_out_groups(GROUPED, share, 0)
