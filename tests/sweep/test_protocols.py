"""How cells are trained: the paper's words and what was tuned."""

import dataclasses

import pytest

from ac_keras.sweep import NUM_UNITS
from ac_keras.sweep import PROTOCOLS
from ac_keras.sweep import choose_protocol


@pytest.mark.parametrize("num_units", NUM_UNITS)
def test_the_papers_is_one_for_all_cells(num_units):
    protocol = choose_protocol("paper", num_units)
    assert (protocol.epochs, protocol.learning_rate) == (100, 1e-3)
    assert (protocol.schedule, protocol.dropout) == ("constant", 0.5)
    assert protocol == choose_protocol("paper", 1)


def test_the_tuned_one_has_one_kind_for_few_units_and_one_for_many():
    found = {count: choose_protocol("tuned", count) for count in NUM_UNITS}
    few, many = found[1], found[128]
    assert [x for x in NUM_UNITS if found[x] == few] == [1, 2, 4]
    assert [x for x in NUM_UNITS if found[x] == many] == [8, 16, 32, 64, 128]
    # Few units are fitted too little, and many too much.
    assert few.epochs > many.epochs
    assert few.learning_rate > many.learning_rate > 0
    assert few.dropout < many.dropout
    assert few.schedule == many.schedule == "cosine"


def test_the_two_share_the_shifts_initial_values():
    initial = {
        (x.alpha_initializer, x.beta_initializer)
        for x in (choose_protocol(name, 8) for name in PROTOCOLS)
    }
    assert initial == {("constant:1", "normal:0.5")}


def test_a_protocol_cannot_be_changed_in_passing():
    protocol = choose_protocol("paper", 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.epochs = 1


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError) as error:
        choose_protocol("papers", 1)
    assert str(error.value) == (
        "Expected a protocol among ('tuned', 'paper'). Received: "
        "name='papers'. Choose one of them."
    )
