"""Cells of Table 1, their protocols and the published accuracies."""

import dataclasses
import itertools
import pathlib

import pytest

import cells
from cells import FAMILIES
from cells import NUM_UNITS
from cells import PROTOCOLS
from cells import Cell
from cells import choose_protocol
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
        "Received: family='fc3'."
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
        f"families={families}, num_units={num_units}, seeds={seeds}."
        in str(error.value)
    )


CELLS = make_cells(list(FAMILIES), NUM_UNITS, [0])


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_papers_is_one_for_all_cells(cell):
    protocol = choose_protocol("paper", cell)
    assert (protocol.epochs, protocol.learning_rate) == (100, 1e-3)
    assert (protocol.schedule, protocol.dropout) == ("constant", 0.5)
    assert protocol.classifier_rate == 1
    assert protocol == choose_protocol("paper", Cell("fc1", 1))


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_tuned_one_keeps_the_papers_rate_for_the_units(cell):
    protocol = choose_protocol("tuned", cell)
    assert protocol.learning_rate == 1e-3 and protocol.schedule == "cosine"
    assert protocol.classifier_rate > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_many_units_are_trained_shorter_and_dropped_more(family):
    found = [choose_protocol("tuned", Cell(family, x)) for x in NUM_UNITS]
    epochs, dropout = (
        [getattr(x, name) for x in found] for name in ("epochs", "dropout")
    )
    assert epochs == sorted(epochs, reverse=True) and epochs[0] > epochs[-1]
    assert dropout == sorted(dropout) and dropout[0] < dropout[-1] == 0.5


def test_a_shifted_cells_classifier_is_faster_the_smaller_it_is():
    rates = [
        choose_protocol("tuned", Cell("fc1_shift", x)).classifier_rate
        for x in NUM_UNITS
    ]
    assert rates[0] == 2 * rates[2] == 400
    assert rates == sorted(rates, reverse=True) and rates[-1] > 1


def test_without_shifting_the_classifiers_rate_is_the_same_for_all_units():
    unshifted = [x for x in CELLS if not x.shift]
    rates = {choose_protocol("tuned", x).classifier_rate for x in unshifted}
    assert len(unshifted) == 24 and len(rates) == 1


def test_the_two_share_the_shifts_initial_values():
    initial = {
        (x.alpha_initializer, x.beta_initializer)
        for x in (choose_protocol(name, CELLS[0]) for name in PROTOCOLS)
    }
    assert initial == {("constant:1", "normal:0.5")}


def test_a_protocol_cannot_be_changed_in_passing():
    protocol = choose_protocol("paper", CELLS[0])
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.epochs = 1


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError) as error:
        choose_protocol("papers", CELLS[0])
    assert str(error.value) == (
        "Expected a protocol among ('tuned', 'paper'). Received: name='papers'."
    )


# Rows as they are printed, N first; the table itself is kept by columns.
PAPER = """
1 0.2 0.2 0.2 51.2 53.7
2 0.4 0.4 0.5 64.8 66.8
4 0.6 2.2 2.3 75.9 76.8
8 0.9 31.7 22.5 80.6 83.1
16 1.2 82.3 82.0 86.9 84.9
32 2.4 83.3 83.2 87.1 85.6
64 5.0 83.2 82.4 87.1 85.6
128 8.9 81.8 80.9 87.1 85.7
"""
# Ascend and GPU of FC1 with shift, then of FC2 with shift.
MINDSPORE = """
1 34.5 31.8 54.1 40.3
2 65.8 19.4 64.7 41.3
4 72.7 37.8 73.8 53.1
8 80.5 65.0 76.4 81.6
16 84.6 84.3 86.6 85.5
32 84.7 85.3 87.0 87.6
64 85.0 86.0 87.3 88.1
128 85.2 86.1 87.4 88.3
"""


def rows_of(text):
    return [list(map(float, line.split())) for line in text.split("\n") if line]


def test_the_papers_figures_are_those_of_its_rows():
    found = [
        [n, *(cells.paper_accuracy(x, n) for x in FAMILIES)] for n in NUM_UNITS
    ]
    assert found == rows_of(PAPER)


def test_mindspores_figures_are_those_of_its_rows():
    found = [
        [n]
        + [
            cells.mindspore_accuracy(device, family, n)
            for family in ("fc1_shift", "fc2_shift")
            for device in ("Ascend", "GPU")
        ]
        for n in NUM_UNITS
    ]
    assert found == rows_of(MINDSPORE)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_size_that_nobody_tried_has_no_figure(family):
    assert cells.paper_accuracy(family, 3) is None
    assert cells.mindspore_accuracy("GPU", family, 3) is None


def test_mindspore_tried_no_cluster_without_shifting():
    assert cells.mindspore_accuracy("GPU", "fc1", 32) is None
