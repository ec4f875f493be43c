"""HMDB51's official lists, made up."""

import pytest

from ac_keras.annotations.hmdb51 import read_lists
from ac_keras.annotations.hmdb51 import source_of

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
    clips, unused = read_lists(lists, 1)
    assert unused == 1
    assert [clip[:4] for clip in clips] == [
        (
            "cartwheel/(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi",
            "cartwheel",
            "train",
            "(Rad)Schlag_die_Bank!",
        ),
        (
            "cartwheel/a;b_|c_cartwheel_f_nm_np1_ba_med_12.avi",
            "cartwheel",
            "test",
            "a;b_|c",
        ),
        (
            "clap/#20_Rhythm_clap_u_nm_np1_fr_goo_0.avi",
            "clap",
            "test",
            "#20_Rhythm",
        ),
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
    assert source_of(name, "brush_hair") == source


@pytest.mark.parametrize("line", ["a.avi", "a.avi 3", " 1", "clap/a.avi 1"])
def test_a_line_of_another_form_is_refused(lists, line):
    (lists / "clap_test_split1.txt").write_text(f"{CLAP}{line}\n")
    with pytest.raises(ValueError, match="clap_test_split1.txt.*line 3"):
        read_lists(lists, 1)


def test_a_folder_without_lists_is_named(lists):
    with pytest.raises(FileNotFoundError, match="brush_hair_test_split3.txt"):
        read_lists(lists, 3)
