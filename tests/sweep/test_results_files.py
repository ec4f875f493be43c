"""A sweep's figures as CSV and JSON files."""

import csv
import json

import numpy as np
import pytest

import table_1_results
from support.flash_mnist.made_up_sweep import write_cell

NAMES = ["cells.csv", "cells.json", "curves.csv", "table.csv"]
ACCURACIES = (0.9, 0.91, 0.926)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sweep")
    for seed, accuracy in enumerate(ACCURACIES):
        write_cell(root / "in", "fc1_shift", 32, seed, accuracy)
    write_cell(root / "in", "average", 3, test=0.1, protocol="paper")
    out = root / "out"
    out.mkdir()
    table_1_results.write_files(table_1_results.read_sweep(root / "in"), out)
    return out


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_files_are_there_and_nothing_else(folder):
    assert sorted(path.name for path in folder.iterdir()) == NAMES


def test_the_table_has_a_line_for_each_cell(folder):
    first, second = rows_of(folder / "table.csv")
    figures = {
        x: float(y)
        for x, y in first.items()
        if x.endswith(("_percent", "_deviation", "_paper"))
    }
    deviation = 100 * np.std(ACCURACIES, ddof=1)
    assert figures == pytest.approx(
        {
            "test_percent": 91.2,
            "test_deviation": deviation,
            "validation_percent": 92.2,
            "validation_deviation": deviation,
            "test_top_5_percent": 92.7,
            "paper_percent": 87.1,
            "points_above_paper": 4.1,
            "mindspore_ascend_percent": 84.7,
            "mindspore_gpu_percent": 85.3,
        }
    )
    assert [first[x] for x in ("protocol", "family", "num_units", "seeds")] == [
        *("tuned", "fc1_shift", "32", "3")
    ]
    empty = ("test_deviation", "paper_percent", "points_above_paper")
    assert [second[x] for x in empty] == ["", "", ""]
    assert second["mindspore_gpu_percent"] == ""


def test_every_seed_has_a_line_of_shares(folder):
    rows = rows_of(folder / "cells.csv")
    found = [(x["protocol"], x["seed"], x["test_accuracy"]) for x in rows]
    assert found == [
        ("tuned", "0", "0.9"),
        ("tuned", "1", "0.91"),
        ("tuned", "2", "0.926"),
        ("paper", "0", "0.1"),
    ]
    assert rows[0]["product_flops_per_epoch"] == "960000000000"


def test_every_epoch_has_a_line(folder):
    rows = rows_of(folder / "curves.csv")
    assert len(rows) == 4 * 3
    assert [x["epoch"] for x in rows[:3]] == ["0", "1", "2"]
    values = [float(x["val_accuracy"]) for x in rows[3:6]]
    np.testing.assert_allclose(values, 0.92 * np.arange(1, 4) / 3, atol=1e-6)
    training = [float(x["accuracy"]) for x in rows[3:6]]
    np.testing.assert_allclose(training, np.array(values) / 2, atol=1e-6)


def test_the_results_are_kept_as_they_are(folder):
    results = json.loads((folder / "cells.json").read_text())
    assert [x["test_accuracy"] for x in results] == [*ACCURACIES, 0.1]
    assert results[0]["settings"]["learning_rate"] == 0.004
