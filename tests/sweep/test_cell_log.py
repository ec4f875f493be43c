"""What a cell keeps of its epochs while it trains."""

import pytest

from support.flash_mnist.tiny_cells import read_json
from train_cell import CellLog

ROWS = [
    {"epoch": 0, "loss": 1.5, "val_accuracy": 0.25},
    {"epoch": 1, "loss": 0.1 + 0.2, "val_accuracy": 1 / 3},
]


@pytest.fixture
def log(tmp_path):
    return CellLog(tmp_path, batch_size=16)


def test_the_curve_is_every_epoch_to_the_last_digit(log, tmp_path):
    log.epoch(ROWS[:1])
    log.epoch(ROWS)
    assert read_json(tmp_path, "curve.json") == ROWS


def test_nothing_else_is_left(log, tmp_path):
    log.begin_epoch(0, 0, 6)
    log.step(1, 1, {"loss": 2.0})
    log.epoch(ROWS)
    assert [x.name for x in tmp_path.iterdir()] == ["curve.json"]


def test_a_cell_that_has_not_begun_writes_no_curve(log, tmp_path):
    log.epoch([], new=False)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_that_goes_on_writes_the_epochs_that_it_had(log, tmp_path):
    """Killed between curve and checkpoint, its curve is one ahead."""
    log.epoch(ROWS)
    log.epoch(ROWS[:1], new=False)
    assert read_json(tmp_path, "curve.json") == ROWS[:1]


def test_an_epochs_rate_counts_the_steps_since_it_went_on(log):
    log.begin_epoch(3, 2, 6)
    whole, half = (log.times(step) for step in (6, 4))
    assert list(whole) == ["seconds", "clips_per_second"]
    assert whole["clips_per_second"] > 0 < half["clips_per_second"]
    assert log.times(2)["clips_per_second"] == 0
