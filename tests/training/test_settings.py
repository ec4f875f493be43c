"""Numbers of units and initializers, from text."""

import numpy as np
import pytest

from ac_keras.training import parse_initializer
from ac_keras.training import parse_num_units

MODALITIES = ["rgb", "audio", "flow"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["8"], {"rgb": 8, "audio": 8, "flow": 8}),
        (["rgb:8"], {"rgb": 8}),
        (["audio:2", "rgb:16"], {"audio": 2, "rgb": 16}),
    ],
)
def test_units_are_given_for_all_modalities_or_by_name(values, expected):
    found = parse_num_units(values, MODALITIES)
    assert found == expected and list(found) == list(expected)


@pytest.mark.parametrize(
    "text",
    ["4,rgb:8", "4,8", "0", "rgb:0", "-1", "rgb:", "rgb", "rgb:4,rgb:8", "x:4"]
    + ["rgb:4.5", ""],
)
def test_other_units_are_refused(text):
    with pytest.raises(ValueError) as raised:
        parse_num_units(text.split(","), MODALITIES)
    assert str(raised.value) == (
        "Expected the number of units as a number or as MODALITY:NUMBER pairs "
        f"with modalities among {MODALITIES}. Received: num_units={text}. "
        "Name modalities of the dataset."
    )


def test_a_constant_is_an_initializer():
    np.testing.assert_array_equal(
        parse_initializer("constant:-2.5")((3,)), -2.5
    )


def test_a_normal_distribution_has_the_given_deviation():
    drawn = np.asarray(parse_initializer("normal:0.5")((4000,)))
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("text", ["", "1", "normal", "normal:x", "uniform:1"])
def test_other_initializers_are_refused(text):
    with pytest.raises(ValueError) as raised:
        parse_initializer(text)
    assert str(raised.value) == (
        "Expected an initializer as constant:VALUE or "
        f"normal:STANDARD_DEVIATION. Received: {text}. Write "
        "it like normal:0.5."
    )
