"""Numbers, names and settings as people read them."""

import numpy as np
import pytest

from ac_keras.runs import report


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("test_accuracy", 0.91474, "91.47 %"),
        ("val_hit_at_1", np.float32(0.5), "50.00 %"),
        ("accuracy_ratio", 1.5, "1.5"),
        ("loss", 0.339982, "0.34"),
        ("loss", 1.2e-7, "1.2e-07"),
        ("loss", float("nan"), "not a number"),
        ("loss", float("inf"), "inf"),
        ("parameters", 1641088, "1,641,088"),
        ("clips_per_second", 13210.4, "13,210"),
        ("training_seconds", 59.96, "59.96"),
        ("training_seconds", 1653.9, "27 min 34 s"),
        ("training_seconds", 7199.9, "2 h 0 min"),
        ("epochs", np.int64(1200), "1,200"),
        ("keras", "3.15.1", "3.15.1"),
        ("stopped_early", True, "yes"),
        ("best", None, "–"),
    ],
)
def test_a_number_is_told_by_its_name(name, value, text):
    assert report.readable_number(name, value) == text


@pytest.mark.parametrize(
    "value, text",
    [(["a", "b"], "a, b"), ([], "–"), ("", "–"), (False, "no"), (0.5, "0.5")],
)
def test_a_setting_is_text(value, text):
    assert report.readable_setting(value) == text


def test_a_name_is_words():
    name = report.readable_name("val_top_5_accuracy")
    assert name == "validation top 5 accuracy"


def test_long_text_is_cut_with_an_ellipsis():
    assert report.shorten("abcdef", 6) == "abcdef"
    assert report.shorten("abcdefg", 6) == "abcde…"
