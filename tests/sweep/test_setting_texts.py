"""Settings of a protocol as words."""

import pytest

from report_pages import setting_text
from report_pages import settings_text
from report_pages import value_text
from report_pages import values_text


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("epochs", 30, "30 epochs"),
        ("warmup_epochs", 0.5, "0.5 warmup epochs"),
        ("learning_rate", 1e-3, "learning rate 0.001"),
        ("schedule", "cosine", "schedule `cosine`"),
        ("classifier_rate", 1, "the same rate for the classifier"),
        ("classifier_rate", 400, "the classifier's rate 400 times the units'"),
        ("classifier_rate", 0.5, "the classifier's rate 0.5 times the units'"),
        ("weight_decay", None, "weight decay none"),
    ],
)
def test_a_setting_is_told_in_words(name, value, text):
    assert setting_text(name, value) == text


def test_the_classifiers_rate_is_told_against_the_units():
    assert value_text("classifier_rate", 1.0) == "the same"
    assert value_text("classifier_rate", 8) == "8 times the units'"


@pytest.mark.parametrize(
    "name, values, text",
    [
        ("dropout", [0.5], "0.5"),
        ("dropout", [0.0, 0.5], "0 or 0.5"),
        ("classifier_rate", [1], "the same"),
        ("classifier_rate", [6, 25, 141], "6, 25 or 141 times the units'"),
        ("classifier_rate", [8, 400, 6, 25], "6 to 400 times the units'"),
        ("schedule", ["a", "b"], "`a` or `b`"),
        ("schedule", ["a", "b", "c", "d"], "several"),
    ],
)
def test_several_values_are_told_shortly(name, values, text):
    assert values_text(name, values) == text


def test_no_settings_are_nothing():
    assert settings_text([]) == "nothing"
    assert settings_text([("epochs", 3), ("dropout", 0.5)]) == (
        "3 epochs, dropout 0.5"
    )
