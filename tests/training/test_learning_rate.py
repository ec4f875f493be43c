"""Learning rates at many steps, against their formulas."""

import math

import keras
import numpy as np
import pytest

from ac_keras.training import Warmup
from ac_keras.training import make_schedule

RATE, TOTAL, WARMUP = 0.3, 40, 8
STEPS = range(TOTAL + 5)
DROPS = (10, 25)


def constant(step):
    return RATE


def cosine(step):
    return RATE * (1 + math.cos(math.pi * min(step, TOTAL) / TOTAL)) / 2


def dropping(step):
    """It drops behind the step: that many steps have the rate before."""
    return RATE * 0.2 ** sum(step > drop for drop in DROPS)


KINDS = {"constant": constant, "cosine": cosine, "step": dropping}


def make(kind, warmup_steps=0):
    drops = {"drop_steps": DROPS, "drop_factor": 0.2}
    return make_schedule(
        kind,
        RATE,
        total_steps=TOTAL,
        warmup_steps=warmup_steps,
        **(drops if kind == "step" else {}),
    )


def rates(schedule):
    return [float(schedule(step)) for step in STEPS]


@pytest.mark.parametrize("kind", ["cosine", "step"])
def test_every_step_has_the_formulas_rate(kind):
    expected = [KINDS[kind](step) for step in STEPS]
    np.testing.assert_allclose(rates(make(kind)), expected, 1e-5, 1e-7)


def test_a_constant_rate_is_a_number():
    assert make("constant") == RATE


@pytest.mark.parametrize("kind", list(KINDS))
def test_warm_up_rises_to_the_rate_and_leaves_it_as_it_is(kind):
    expected = [
        KINDS[kind](step) * min((step + 1) / WARMUP, 1) for step in STEPS
    ]
    found = rates(make(kind, WARMUP))
    np.testing.assert_allclose(found, expected, 1e-5, 1e-7)
    assert 0 < found[0] < found[1]


@pytest.mark.parametrize("kind", list(KINDS))
def test_warm_up_saves_and_loads(kind):
    schedule = make(kind, WARMUP)
    optimizer = keras.optimizers.RMSprop(schedule)
    config = keras.saving.serialize_keras_object(optimizer)
    loaded = keras.saving.deserialize_keras_object(config)
    assert isinstance(schedule, Warmup)
    np.testing.assert_allclose(
        [float(loaded.learning_rate)], [schedule(0)], 1e-6
    )
    copy = Warmup.from_config(schedule.get_config())
    np.testing.assert_allclose(rates(copy), rates(schedule))


@pytest.mark.parametrize(
    ("kind", "drop_steps"),
    [("linear", ()), ("step", ()), ("cosine", (3,)), ("constant", (3,))],
)
def test_other_kinds_and_drops_elsewhere_are_refused(kind, drop_steps):
    with pytest.raises(ValueError) as raised:
        make_schedule(kind, RATE, total_steps=TOTAL, drop_steps=drop_steps)
    assert str(raised.value) == (
        "Expected a schedule among constant, cosine and step, and drops with "
        f"step and only there. Received: {kind!r}, "
        f"drop_steps={list(drop_steps)}."
    )
