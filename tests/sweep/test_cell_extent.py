"""Which cells something holds for, in a few words."""

import pytest

from report_pages import extent_text

FAMILIES = ("average", "fc1", "fc1_shift", "fc2_shift")
TABLE = [(family, count) for family in FAMILIES for count in (1, 2, 16)]


def cells(families, units):
    return [key for key in TABLE if key[0] in families and key[1] in units]


@pytest.mark.parametrize(
    "families, units, text",
    [
        (FAMILIES, (1, 2, 16), "all cells"),
        (FAMILIES, (1, 2), "N = 1, 2"),
        (FAMILIES[:2], (1, 2, 16), "without shift"),
        (FAMILIES[2:], (1, 2, 16), "with shift"),
        (FAMILIES[:2], (16,), "N = 16, without shift"),
        (FAMILIES[2:], (1, 2), "N = 1, 2, with shift"),
        (("fc1",), (1, 16), "FC1, N = 1, 16"),
    ],
)
def test_an_extent_is_told_shortly(families, units, text):
    assert extent_text(cells(families, units), TABLE) == text


def test_either_side_is_told_by_itself():
    keys = cells(FAMILIES[:2], (1, 2, 16)) + cells(FAMILIES[2:], (16,))
    assert extent_text(keys, TABLE) == "without shift; N = 16, with shift"
    keys = cells(("fc1",), (1,)) + cells(FAMILIES[2:], (16,))
    assert extent_text(keys, TABLE) == "FC1, N = 1; N = 16, with shift"


def test_a_row_needs_only_the_families_that_have_it():
    table = [*TABLE, ("fc1", 64)]
    assert extent_text([("fc1", 64)], table) == "N = 64"


def test_families_are_told_one_by_one():
    keys = [("fc1_shift", 1), ("fc1_shift", 16), ("fc2_shift", 2)]
    text = extent_text(keys, TABLE)
    assert text == "FC1 + shift, N = 1, 16; FC2 + shift, N = 2"
