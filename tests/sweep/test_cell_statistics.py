"""Cells of several seeds, taken together."""

import numpy as np
import pytest

import table_1_results
from support.flash_mnist import made_up_sweep
from support.flash_mnist.made_up_sweep import write_cell

ACCURACIES = (0.90, 0.88, 0.935)


def tabulate(root):
    (protocol,) = table_1_results.read_sweep(root)
    return table_1_results.tabulate_cells(protocol.cells)


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """One cell of three seeds, the last with a shorter curve."""
    root = tmp_path_factory.mktemp("sweep")
    for seed, accuracy in enumerate(ACCURACIES):
        write_cell(root, "fc1", 8, seed, accuracy, epochs=4 - (seed == 2))
    return tabulate(root)["fc1", 8]


def test_the_mean_is_over_the_seeds_in_percent(cell):
    mean = 100 * np.mean(ACCURACIES)
    assert cell.mean("test_accuracy") == pytest.approx(mean, rel=1e-12)
    assert cell.seeds == (0, 1, 2)


def test_the_deviation_is_that_of_a_sample(cell):
    deviation = 100 * np.std(ACCURACIES, ddof=1)
    assert cell.deviation("test_accuracy") == pytest.approx(deviation)


def test_one_seed_has_no_deviation(tmp_path):
    write_cell(tmp_path, "fc1", 8)
    cell = tabulate(tmp_path)["fc1", 8]
    assert cell.deviation("test_accuracy") is None
    assert cell.mean("test_accuracy") == pytest.approx(90)


def test_an_epochs_time_is_the_median(cell):
    # 6, 2, 2, 0.1; the same; 6, 2, 0.1.
    assert cell.epoch_seconds() == 2


def test_the_rate_of_products_is_that_of_the_median_epoch(cell):
    assert cell.gigaflops() == pytest.approx(8 * 30 / 2)


def test_a_curve_is_the_mean_of_the_seeds_as_far_as_all_go(cell):
    whole = [(x + 0.01) * np.arange(1, 5) / 4 for x in ACCURACIES[:2]]
    short = (ACCURACIES[2] + 0.01) * np.arange(1, 4) / 3
    mean = 100 * (whole[0][:3] + whole[1][:3] + short) / 3
    np.testing.assert_allclose(cell.curve("val_accuracy"), mean)


def test_rows_and_columns_are_those_that_have_a_cell(tmp_path):
    for family, num_units in (("fc2_shift", 2), ("fc1", 128), ("fc1", 16)):
        write_cell(tmp_path, family, num_units)
    table = tabulate(tmp_path)
    assert list(table) == [("fc1", 16), ("fc1", 128), ("fc2_shift", 2)]
    assert table_1_results.columns(table) == ["fc1", "fc2_shift"]
    assert table_1_results.rows(table) == [2, 16, 128]


def test_seeds_of_different_settings_are_not_averaged(tmp_path):
    write_cell(tmp_path, "fc1", 8)
    settings = made_up_sweep.SETTINGS | {"dropout": 0.0}
    write_cell(tmp_path, "fc1", 8, seed=1, settings=settings)
    message = "all seeds of a cell to have the same settings. Received: fc1 N=8"
    with pytest.raises(ValueError, match=message):
        tabulate(tmp_path)
