"""UCF101's official lists, made up."""

import pytest

from ac_keras.annotations.ucf101 import hold_out_numbers
from ac_keras.annotations.ucf101 import read_lists

LISTS = {
    "classInd.txt": "1 Archery\r\n2 HandstandPushups\r\n",
    "trainlist02.txt": "Archery/v_Archery_g01_c01.avi 1\r\n"
    "Archery/v_Archery_g15_c02.avi 1\r\n"
    "HandstandPushups/v_HandStandPushups_g01_c01.avi 2\r\n",
    "testlist02.txt": "HandstandPushups/v_HandStandPushups_g08_c03.avi\r\n",
}


@pytest.fixture
def write(tmp_path):
    def write_lists(**changed):
        lists = {**LISTS, **{f"{k}.txt": v for k, v in changed.items()}}
        for name, text in lists.items():
            (tmp_path / name).write_bytes(text.encode())
        return tmp_path

    return write_lists


def test_both_lists_of_a_split_are_read(write):
    assert [clip[:4] for clip in read_lists(write(), 2)] == [
        ("Archery/v_Archery_g01_c01.avi", "Archery", "train", "Archery/g01"),
        ("Archery/v_Archery_g15_c02.avi", "Archery", "train", "Archery/g15"),
        (
            "HandstandPushups/v_HandStandPushups_g01_c01.avi",
            "HandstandPushups",
            "train",
            "HandstandPushups/g01",
        ),
        (
            "HandstandPushups/v_HandStandPushups_g08_c03.avi",
            "HandstandPushups",
            "test",
            "HandstandPushups/g08",
        ),
    ]


def test_groups_are_held_out_by_their_numbers(write):
    clips = hold_out_numbers(read_lists(write(), 2), {1})
    splits = [clip.split for clip in clips]
    assert splits == ["validation", "train", "validation", "test"]


@pytest.mark.parametrize("numbers", [{8}, {1, 15}, {1, 99}])
def test_groups_that_cannot_be_held_out_are_refused(write, numbers):
    with pytest.raises(ValueError, match=r"training groups \[1, 15\]"):
        hold_out_numbers(read_lists(write(), 2), numbers)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"classInd": "Archery 1\n"}, "'Archery 1' in line 1"),
        ({"trainlist02": "\nArchery/x.avi 1\n"}, "'Archery/x.avi 1' in line 2"),
        ({"testlist02": "Golf/v_Golf_g01_c01.avi\n"}, "as in classInd.txt"),
        ({"trainlist02": "Archery/v_Archery_g01_c01.avi 2"}, "as in classInd"),
    ],
)
def test_a_list_of_another_form_is_refused(write, changed, message):
    with pytest.raises(ValueError, match=message):
        read_lists(write(**changed), 2)


def test_a_list_that_is_not_there_is_named(write):
    with pytest.raises(FileNotFoundError, match="trainlist01.txt. Received"):
        read_lists(write(), 1)
