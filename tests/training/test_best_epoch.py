"""Which epoch is kept, and when patience ends."""

import math

import pytest

from ac_keras.training import BestEpoch


def history(name, *values):
    return [{"epoch": i, name: x} for i, x in enumerate(values)]


@pytest.mark.parametrize(
    "metric, best",
    [("val_loss", 2), ("loss", 2), ("val_accuracy", 1), ("val_gap", 1)],
)
def test_a_loss_is_better_where_it_is_lower(metric, best):
    rows = history(metric, 0.5, 0.9, 0.1, 0.6)
    assert BestEpoch(metric).index(rows) == best


def test_the_first_of_equals_is_kept():
    assert BestEpoch().index(history("val_accuracy", 0.1, 0.8, 0.8)) == 1


def test_the_last_can_be_kept():
    rule = BestEpoch("last")
    assert rule.index(history("loss", 1.0, 2.0, 3.0)) == 2
    assert rule.is_last_best(history("loss", 1.0, 2.0))


def test_the_newest_is_the_best_only_if_it_is_better():
    rule = BestEpoch()
    assert rule.is_last_best(history("val_accuracy", 0.1, 0.8))
    assert not rule.is_last_best(history("val_accuracy", 0.1, 0.8, 0.8))


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_is_never_the_best(metric, place):
    values = [0.5, 0.5]
    values.insert(place, math.nan)
    expected = 1 if place == 0 else 0
    assert BestEpoch(metric).index(history(metric, *values)) == expected


def test_patience_ends_after_so_many_epochs_without_a_better_one():
    rule = BestEpoch("val_accuracy", patience=2)
    values = [0.5, 0.4, 0.6, 0.6, 0.1]
    stops = [
        rule.should_stop(history("val_accuracy", *values[:count]))
        for count in range(len(values) + 1)
    ]
    assert stops == [False] * 5 + [True]


def test_no_patience_never_ends():
    rows = history("val_accuracy", *[0.9] + [0.1] * 50)
    assert not BestEpoch().should_stop(rows)


def test_a_missing_metric_names_the_choices():
    message = r"\['epoch', 'loss', 'val_loss'\] or last. Received: 'val_acc'"
    with pytest.raises(ValueError, match=message):
        BestEpoch("val_acc").index([{"epoch": 0, "val_loss": 1, "loss": 2}])


def test_patience_needs_something_to_wait_for():
    with pytest.raises(ValueError, match="Received: metric='last', patience=3"):
        BestEpoch("last", patience=3)
