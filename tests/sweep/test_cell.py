"""Cells of Table 1: their names, folders and operations."""

import itertools
import pathlib

import pytest

from cells import FAMILIES
from cells import NUM_UNITS
from cells import Cell
from cells import make_cells

DIM, NUM_FRAMES, NUM_CLASSES = 5, 3, 7
HIDDEN = 10


def count(*axes):
    """Operations of a product over these axes, one by one."""
    return sum(2 for _ in itertools.product(*map(range, axes)))


def step_operations(weighting, num_units):
    """Those of each product of a step that needs it, written down as einsum."""
    frames, units = NUM_FRAMES, num_units
    pooled = "tu,td->ud", count(frames, units, DIM)
    logits = "ud,udc->c", count(units, DIM, NUM_CLASSES)
    found = [pooled, logits, ("ud,c->udc", logits[1])]
    if weighting == "average":
        return dict(found)
    # The gradients of what was pooled, and of the scores.
    found += [("udc,c->ud", logits[1]), ("ud,td->tu", pooled[1])]
    if weighting == "fc1":
        scores = count(frames, DIM, units)
        found += [("td,du->tu", scores), ("td,tu->du", scores)]
    else:
        hidden = count(frames, DIM, units, HIDDEN)
        scores = count(frames, units, HIDDEN)
        found += [("td,duh->tuh", hidden), ("td,tuh->duh", hidden)]
        found += [("tuh,uh->tu", scores), ("tu,tuh->uh", scores)]
        found += [("tu,uh->tuh", scores)]
    return dict(found)


@pytest.mark.parametrize("num_units", [1, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_its_operations_are_those_of_the_products_of_a_step(family, num_units):
    cell = Cell(family, num_units)
    expected = step_operations(cell.weighting, num_units)
    assert cell.product_flops(DIM, NUM_FRAMES, NUM_CLASSES) == sum(
        expected.values()
    )


def test_the_table_has_five_columns_and_eight_rows():
    columns = {x: (Cell(x, 1).weighting, Cell(x, 1).shift) for x in FAMILIES}
    assert columns == {
        "average": ("average", False),
        "fc1": ("fc1", False),
        "fc2": ("fc2", False),
        "fc1_shift": ("fc1", True),
        "fc2_shift": ("fc2", True),
    }
    assert [2**i for i in range(8)] == list(NUM_UNITS)


def test_its_folder_names_family_units_and_seed():
    folder = Cell("fc2_shift", 16, 3).folder(pathlib.Path("runs"))
    assert folder == pathlib.Path("runs/fc2_shift/units_016/seed_3")


def test_it_is_named_as_messages_name_it():
    assert str(Cell("fc1", 64, 2)) == "fc1 N=64 seed 2"


def test_all_combinations_are_made_one_seed_after_the_other():
    assert make_cells(["fc1", "average"], [4, 2], [1, 0]) == [
        Cell(family, count, seed)
        for seed in (1, 0)
        for family in ("fc1", "average")
        for count in (4, 2)
    ]


def test_an_unknown_family_is_refused():
    with pytest.raises(ValueError) as error:
        Cell("fc3", 1)
    assert str(error.value) == (
        "Expected a family among average, fc1, fc2, fc1_shift, fc2_shift. "
        "Received: family='fc3'. Choose one of them."
    )


@pytest.mark.parametrize("num_units, seed", [(0, 0), (-1, 5), (1, -1)])
def test_numbers_out_of_range_are_refused(num_units, seed):
    with pytest.raises(ValueError) as error:
        Cell("fc1", num_units, seed)
    assert (
        "one unit or more, and a seed of 0 or more. Received: "
        f"num_units={num_units}, seed={seed}." in str(error.value)
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ([], [1], [0]),
        (["fc1"], [], [0]),
        (["fc1"], [1], []),
        (["fc1", "fc1"], [1], [0]),
        (["fc1"], [2, 1, 2], [0]),
        (["fc1"], [1], [7, 7]),
    ],
)
def test_cells_named_twice_or_not_at_all_are_refused(arguments):
    families, num_units, seeds = arguments
    with pytest.raises(ValueError) as error:
        make_cells(*arguments)
    assert (
        "Expected one or more of each, and none twice. Received: "
        f"families={families}, num_units={num_units}, seeds={seeds}. "
        in str(error.value)
    )
