"""What a bias for each frame's position does."""

import numpy as np
import pytest

from report_pages import describe_position_bias
from report_pages import read_position_bias
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_json


def figures(test, permuted):
    return {
        "validation_accuracy": test + 0.01,
        "test_accuracy": test,
        "permuted_test_accuracy": permuted,
    }


def row_of(num_units, seed=0, test=0.9, biases=0.5):
    return {
        "num_units": num_units,
        "seed": seed,
        "without": figures(test, test),
        "with": figures(test + 0.02, test - 0.3),
        "bias_standard_deviation": biases,
    }


def described(rows, path):
    write_json(path, rows)
    return describe_position_bias(read_position_bias(path))


def test_cells_have_a_line_with_biases_and_one_without(tmp_path):
    text = described([row_of(32), row_of(8, test=0.7)], tmp_path / "x.json")
    assert parse_tables(text) == [
        [
            ["N", "biases", "validation", "test", "test, other order"]
            + ["standard deviation"],
            ["8", "without", "71.0", "70.0", "70.0", "0"],
            ["8", "with", "73.0", "72.0", "40.0", "0.5"],
            ["32", "without", "91.0", "90.0", "90.0", "0"],
            ["32", "with", "93.0", "92.0", "60.0", "0.5"],
        ]
    ]
    assert "Seeds: 0.\n" in text


def test_seeds_are_averaged(tmp_path):
    rows = [row_of(32, 1, 0.90, 0.5), row_of(32, 0, 0.92, 0.7)]
    text = described(rows, tmp_path / "x.json")
    spread = f"{np.std([90, 92], ddof=1):.1f}"
    ((_, without, with_biases),) = parse_tables(text)
    assert without[3] == f"91.0 ± {spread}"
    assert with_biases[4:] == [f"61.0 ± {spread}", "0.6"]
    assert "Seeds: 0, 1.\n" in text


def test_an_accuracy_that_is_missing_is_refused(tmp_path):
    row = row_of(32)
    del row["with"]["permuted_test_accuracy"]
    message = "from 0 to 1 under with. Received: .*trainers/flash_mnist/position_bias.py"
    with pytest.raises(ValueError, match=message):
        described([row], tmp_path / "x.json")


def test_a_row_without_its_keys_is_refused(tmp_path):
    with pytest.raises(ValueError, match="row 0 without seed, without, with"):
        described([{"num_units": 8}], tmp_path / "x.json")
