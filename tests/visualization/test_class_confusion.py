"""Which classes are confused, as the report tells it."""

import re

import numpy as np
import pytest

from ac_keras.runs.report import class_accuracy
from ac_keras.runs.report import confusion_section
from ac_keras.runs.report import worst_classes
from support.visualization.page_parts import PageParts
from support.visualization.page_parts import rows_of

NAMES = ["cat", "<dog>", "f&x", "gnu"]
CONFUSION = np.array([[2, 3, 1, 0], [0, 8, 0, 2], [0, 0, 0, 0], [0, 0, 0, 5]])


def random_confusion(num_classes, seed=0):
    generator = np.random.default_rng(seed)
    confusion = generator.integers(0, 4, (num_classes, num_classes))
    confusion[::7] = 0  # classes without a clip
    confusion += np.diag(generator.integers(0, 200, num_classes))
    confusion[::7] = 0
    return confusion


def test_class_accuracy_is_right_clips_by_clips():
    expected = []
    confusion = random_confusion(30)
    for index, row in enumerate(confusion.tolist()):
        expected.append(row[index] / sum(row) if sum(row) else float("nan"))
    np.testing.assert_allclose(class_accuracy(confusion), expected)
    assert np.isnan(expected).sum() == 5


def test_the_worst_classes_are_those_of_the_lowest_accuracy():
    confusion = random_confusion(60)
    accuracy = class_accuracy(confusion)
    worst = worst_classes(confusion, 10)
    assert len(worst) == 10 and np.isfinite(accuracy[worst]).all()
    np.testing.assert_array_equal(
        np.sort(accuracy[worst]), np.sort(accuracy)[:10]
    )
    assert (np.diff(accuracy[worst]) >= 0).all()


def test_of_equally_bad_classes_the_larger_comes_first():
    confusion = np.array([[1, 1, 0], [5, 5, 0], [1, 2, 3]])
    assert worst_classes(confusion).tolist() == [1, 2, 0]


def test_of_many_classes_those_without_an_error_are_left_out():
    confusion = np.eye(40, dtype=int)
    confusion[3, 4] = 1
    assert worst_classes(confusion).tolist() == [3]


def test_each_class_has_its_most_frequent_wrong_answers():
    rows = rows_of(confusion_section(CONFUSION, NAMES))
    assert rows == [
        ["1", "cat", "2 of 6", "33.3 %", "<dog> (3), f&x (1)"],
        ["2", "<dog>", "8 of 10", "80.0 %", "gnu (2)"],
        ["3", "gnu", "5 of 5", "100.0 %", "none"],
    ]


def test_the_picture_holds_every_clip_of_its_rows():
    confusion = random_confusion(50, seed=1)
    worst = worst_classes(confusion)
    numbers = PageParts(confusion_section(confusion, range(50))).texts(
        "text", "count"
    )
    assert sum(map(int, numbers)) == confusion[worst].sum()


def test_right_clips_are_told_from_wrong_ones_in_the_picture():
    parts = PageParts(confusion_section(CONFUSION, NAMES))
    right = parts.all("rect", "right")
    assert len(right) == 3 and len(parts.all("rect", "wrong")) == 9
    shares = [(float(x["fill-opacity"]) - 0.06) / 0.94 for x in right]
    np.testing.assert_allclose(shares, [2 / 6, 0.8, 1], atol=0.01)


def test_the_spread_counts_every_class_with_a_clip():
    confusion = np.diag([10] * 30)
    confusion[:10, 0] = 10  # class 0 stays right, nine others are half so
    confusion[25] = 0
    section = confusion_section(confusion, range(30))
    assert "Over 29 classes with clips: worst 50.0 %" in section
    assert "1 without a clip" in section
    titles = PageParts(section).texts("title")
    counts = [int(re.search(r": (\d+)", title)[1]) for title in titles]
    assert counts[10] == 9 and counts[19] == 20 and sum(counts) == 29


@pytest.mark.parametrize("num_classes", [2, 15, 16, 400])
def test_any_number_of_classes_is_shown(num_classes):
    confusion = random_confusion(num_classes, seed=2)
    section = confusion_section(
        confusion, [f"c{i}" for i in range(num_classes)]
    )
    worst = worst_classes(confusion)
    assert [row[1] for row in rows_of(section)] == [f"c{i}" for i in worst]


def test_no_error_and_no_clip_are_said_in_words():
    names = [str(index) for index in range(20)]
    perfect = confusion_section(np.eye(20, dtype=int), names)
    assert "No class has a wrong answer" in perfect
    empty = confusion_section(np.zeros((20, 20), int), names)
    assert "No clip was counted" in empty


def test_a_confusion_of_other_classes_is_refused():
    with pytest.raises(ValueError) as error:
        confusion_section(CONFUSION, NAMES[:3])
    assert "shape (3, 3)" in str(error.value)
    assert "Received: confusion.shape=(4, 4). Give" in str(error.value)
