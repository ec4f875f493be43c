"""Cells of Table 1, their protocols and the published accuracies."""

import dataclasses
import math

import pytest

import cells
from cells import FAMILIES
from cells import NUM_UNITS
from cells import Cell
from cells import choose_protocol
from cells import make_cells

DIM, NUM_FRAMES, NUM_CLASSES = 5, 3, 7
HIDDEN = 10


def step_operations(weighting, num_units):
    """Counts the operations of each product of a step that needs it."""
    units, frames, hidden = (num_units,), (NUM_FRAMES,), (HIDDEN,)
    pooling = frames + units + (DIM,)
    classifier = units + (DIM, NUM_CLASSES)
    # Forward and the gradient of the kernel; features need no gradient.
    products = [pooling, classifier, classifier]
    if weighting != "average":
        # The gradients of what was pooled, and of the weights.
        products += [classifier, pooling]
    if weighting == "fc1":
        products += 2 * [frames + units + (DIM,)]
    elif weighting == "fc2":
        products += 2 * [frames + units + hidden + (DIM,)]
        # The scores, the gradients of their kernel and of the hidden units.
        products += 3 * [frames + units + hidden]
    return sum(2 * math.prod(axes) for axes in products)


@pytest.mark.parametrize("num_units", [1, 4])
@pytest.mark.parametrize("family", FAMILIES)
def test_its_operations_are_those_of_the_products_of_a_step(family, num_units):
    cell = Cell(family, num_units)
    expected = step_operations(cell.weighting, num_units)
    assert cell.product_flops(DIM, NUM_FRAMES, NUM_CLASSES) == expected


def test_all_combinations_are_made_one_seed_after_the_other():
    assert make_cells(["fc1", "average"], [4, 2], [1, 0]) == [
        Cell(family, count, seed)
        for seed in (1, 0)
        for family in ("fc1", "average")
        for count in (4, 2)
    ]


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
def test_both_protocols_have_the_papers_rate_and_initial_values(cell):
    paper, tuned = (choose_protocol(name, cell) for name in ("paper", "tuned"))
    assert (paper.epochs, paper.learning_rate) == (100, 1e-3)
    assert (paper.schedule, paper.dropout) == ("constant", 0.5)
    assert paper.classifier_rate == 1
    assert paper == choose_protocol("paper", Cell("fc1", 1))
    assert tuned.learning_rate == 1e-3 and tuned.schedule == "cosine"
    assert tuned.classifier_rate > 1
    for protocol in (paper, tuned):
        assert protocol.alpha_initializer == "constant:1"
        assert protocol.beta_initializer == "normal:0.5"


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


@pytest.mark.parametrize("family", FAMILIES)
def test_what_nobody_tried_has_no_accuracy(family):
    assert cells.paper_accuracy(family, 3) is None
    assert cells.mindspore_accuracy("GPU", family, 3) is None
    if not family.endswith("_shift"):
        assert cells.mindspore_accuracy("GPU", family, 32) is None
