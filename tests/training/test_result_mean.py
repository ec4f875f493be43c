"""The mean over several datasets' results."""

import json
import statistics

import pytest

from ac_keras.runs import write_mean

ACCURACIES = {"split1": 0.5, "split2": 0.75, "split3": 0.9}


@pytest.fixture
def summary(tmp_path, capsys):
    results = {
        name: {
            "test_accuracy": x,
            "test_loss": 1 - x,
            "test_clips_of_saved_model": 7,
            "validation_accuracy": 0.1,
            "best_epoch": 3,
            "keras": "3",
        }
        for name, x in ACCURACIES.items()
    }
    returned = write_mean(results, tmp_path)
    written = json.loads((tmp_path / "result.json").read_text())
    assert returned == written == json.loads(capsys.readouterr().out)
    return written


def test_the_mean_of_each_figure_of_the_test_split_is_written(summary):
    values = list(ACCURACIES.values())
    mean = statistics.fmean(values)
    expected = {"test_accuracy": mean, "test_loss": 1 - mean}
    assert summary["mean"] == pytest.approx(expected)


def test_the_standard_deviation_is_that_of_the_population(summary):
    spread = statistics.pstdev(ACCURACIES.values())
    expected = {"test_accuracy": spread, "test_loss": spread}
    assert summary["standard_deviation"] == pytest.approx(expected)


def test_the_datasets_are_named(summary):
    assert summary["datasets"] == list(ACCURACIES)
