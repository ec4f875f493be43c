"""How cells are trained: the paper's words and what was tuned."""

import dataclasses

import pytest

from cells import FAMILIES
from cells import NUM_UNITS
from cells import PROTOCOLS
from cells import Cell
from cells import choose_protocol
from cells import make_cells

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
        "Expected a protocol among ('tuned', 'paper'). Received: "
        "name='papers'. Choose one of them."
    )
