"""Results of a sweep: read from its folder, checked, averaged over seeds."""

import itertools
import json

import numpy as np
import pytest

import table_1_results
from cells import Cell
from support.flash_mnist import made_up_sweep
from support.flash_mnist.made_up_sweep import write_cell
from support.flash_mnist.made_up_sweep import write_json

ACCURACIES = (0.90, 0.88, 0.935)
RESULT_KEYS = [
    *("family", "num_units", "seed", "protocol", "settings"),
    *("validation_accuracy", "validation_top_5_accuracy"),
    *("test_accuracy", "test_top_5_accuracy"),
    *("best_epoch", "epochs", "training_seconds", "parameters"),
    *("product_flops_per_epoch", "tensorflow", "keras"),
]


def read_one(root):
    (protocol,) = table_1_results.read_sweep(root)
    return protocol


def message_of(root, *arguments):
    with pytest.raises(ValueError) as caught:
        table_1_results.read_sweep(root, *arguments)
    return str(caught.value)


def read_json(path):
    return json.loads(path.read_text())


def test_cells_come_in_the_tables_order(tmp_path):
    for family in ("fc1_shift", "average"):
        for num_units, seed in ((16, 0), (2, 10), (2, 9)):
            write_cell(tmp_path, family, num_units, seed)
    assert [x.cell for x in read_one(tmp_path).cells] == [
        Cell(family, *place)
        for family in ("average", "fc1_shift")
        for place in ((2, 9), (2, 10), (16, 0))
    ]


def test_a_cells_files_are_read(tmp_path):
    folder = write_cell(tmp_path, "fc2", 4, seed=3, test=0.25)
    protocol = read_one(tmp_path)
    (cell,) = protocol.cells
    assert cell.result == read_json(folder / "result.json")
    assert cell.curve == read_json(folder / "curve.json")
    assert cell.result["test_accuracy"] == 0.25
    assert cell.dataset == made_up_sweep.DATASET
    assert protocol.sittings == ()
    sittings = [{"seconds": 2.5, "cells": 1, "workers": 2}]
    write_json(tmp_path / "tuned" / "sittings.json", sittings)
    assert read_one(tmp_path).sittings == tuple(sittings)


def test_cells_without_a_result_are_unfinished_or_left_out(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    stopped = write_cell(tmp_path, "fc1", 4)
    alone = write_cell(tmp_path, "fc1", 2, protocol="paper")
    for folder in (stopped, alone):
        (folder / "result.json").unlink()
    found = read_one(tmp_path)
    assert found.name == "tuned"
    assert [x.cell.num_units for x in found.cells] == [2]
    assert found.unfinished == (stopped,)


def test_the_tuned_protocol_is_the_first_and_studies_are_the_last(tmp_path):
    for protocol in ("a_study", "paper", "tuned"):
        write_cell(tmp_path, "fc1", 2, protocol=protocol)
    names = [x.name for x in table_1_results.read_sweep(tmp_path)]
    assert names == ["tuned", "paper", "a_study"]
    chosen = table_1_results.read_sweep(tmp_path, ["paper"])
    assert [x.name for x in chosen] == ["paper"]


def test_folders_without_the_results_that_are_wanted_are_refused(tmp_path):
    message = message_of(tmp_path / "nothing")
    assert message.startswith("Expected results PROTOCOL/")
    assert f"Received: {tmp_path / 'nothing'} with none. Pass the" in message
    write_cell(tmp_path, "fc1", 2)
    message = message_of(tmp_path, ["tuned", "paper"])
    assert f"Received: {tmp_path} with none of paper." in message


def test_two_results_of_a_cell_are_refused(tmp_path):
    first = write_cell(tmp_path, "fc1", 2)
    second = first.rename(first.with_name("seed_00"))
    write_cell(tmp_path, "fc1", 2)
    message = message_of(tmp_path)
    assert "Received: fc1 N=2 seed 0 in " in message
    assert str(first) in message and str(second) in message


def test_a_cell_of_another_protocol_or_family_is_refused(tmp_path):
    write_cell(tmp_path / "a", "fc1", 2).parents[2].rename(tmp_path / "paper")
    message = message_of(tmp_path)
    assert "folder, paper. Received: protocol='tuned'." in message
    folder = write_cell(tmp_path / "b", "fc3", 2)
    message = message_of(tmp_path / "b")
    assert "'fc3'. " in message and str(folder) in message


def test_curves_and_datasets_that_do_not_match_are_refused(tmp_path):
    folder = write_cell(tmp_path, "fc1", 2)
    curve = read_json(folder / "curve.json")
    write_json(folder / "curve.json", curve[:2])
    assert "Received: epochs=3 and 2." in message_of(tmp_path)
    write_json(folder / "curve.json", curve)
    other = {**made_up_sweep.DATASET, "manifest_sha256": "beef"}
    write_json(write_cell(tmp_path, "fc1", 4) / "dataset.json", other)
    message = message_of(tmp_path)
    assert "to be trained on the same dataset" in message and "beef" in message


@pytest.mark.parametrize(
    "name, text, expected",
    [
        *itertools.product(
            ["result", "curve", "dataset"],
            [b"", b'{"family": ', b"\xff"],
            ["JSON file. Received: {}: "],
        ),
        ("result", b"[1]", "JSON mapping with "),
        ("curve", b"{}", "JSON file with a list that is not empty"),
        ("curve", b"[]", "JSON file with a list that is not empty"),
        ("curve", b"[3, 3, 3]", "JSON mapping with "),
    ],
)
def test_files_that_are_no_such_json_are_named(name, text, expected, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / f"{name}.json"
    path.write_bytes(text)
    message = message_of(tmp_path)
    assert f"Expected a {expected.format(path)}" in message
    assert str(path) in message


@pytest.mark.parametrize("name", ["curve", "dataset"])
def test_a_missing_file_is_named(name, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / f"{name}.json"
    path.unlink()
    message = message_of(tmp_path)
    assert f"Received: {path}: " in message and "write it again" in message


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_missing_key_of_a_result_is_named(key, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "result.json"
    made_up_sweep.drop_key(path, key)
    message = message_of(tmp_path)
    assert f"Received: {path} without {key}. Train the cell" in message


@pytest.mark.parametrize("key", ["epoch", "accuracy", "val_accuracy"])
def test_a_missing_key_of_a_curve_is_named_with_its_row(key, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "curve.json"
    rows = read_json(path)
    del rows[1][key]
    write_json(path, rows)
    message = message_of(tmp_path)
    assert f"Received: {path}, row 1 without {key}." in message


@pytest.mark.parametrize(
    "key, value",
    [
        ("test_accuracy", 87.1),
        ("test_accuracy", "0.87"),
        ("validation_accuracy", float("nan")),
        ("num_units", 2.0),
        ("seed", True),
        ("training_seconds", -1.0),
        ("settings", None),
    ],
)
def test_a_value_of_another_kind_is_named(key, value, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "result.json"
    write_json(path, read_json(path) | {key: value})
    message = message_of(tmp_path)
    assert f"Expected {key} to be a " in message
    assert f"Received: {key}={value!r} in {path}" in message


def tabulate(root):
    return table_1_results.tabulate_cells(read_one(root).cells)


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """One cell of three seeds, the last with a shorter curve."""
    root = tmp_path_factory.mktemp("sweep")
    for seed, accuracy in enumerate(ACCURACIES):
        write_cell(root, "fc1", 8, seed, accuracy, epochs=4 - (seed == 2))
    return tabulate(root)["fc1", 8]


def test_means_and_deviations_are_over_the_seeds_in_percent(cell):
    mean = 100 * np.mean(ACCURACIES)
    assert cell.mean("test_accuracy") == pytest.approx(mean, rel=1e-12)
    deviation = 100 * np.std(ACCURACIES, ddof=1)
    assert cell.deviation("test_accuracy") == pytest.approx(deviation)
    assert cell.seeds == (0, 1, 2)
    # Epochs of 6, 2, 2, 0.1 seconds; the same; 6, 2, 0.1.
    assert cell.epoch_seconds() == 2
    assert cell.gigaflops() == pytest.approx(8 * 30 / 2)


def test_one_seed_has_no_deviation(tmp_path):
    write_cell(tmp_path, "fc1", 8)
    cell = tabulate(tmp_path)["fc1", 8]
    assert cell.deviation("test_accuracy") is None
    assert cell.mean("test_accuracy") == pytest.approx(90)


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


@pytest.mark.parametrize(
    "family, num_units, test, points",
    [
        ("average", 1, 0.0024, 0.0),  # 0.2, and the paper has 0.2
        ("fc1", 32, 0.8326, 0.0),
        ("fc2", 32, 0.8311, -0.1),
        ("fc1_shift", 32, 0.905, 3.4),
        ("fc2_shift", 256, 0.86, None),
    ],
)
def test_differences_are_points_above_the_paper_as_displayed(
    family, num_units, test, points, tmp_path
):
    write_cell(tmp_path, family, num_units, test=test)
    cell = tabulate(tmp_path)[family, num_units]
    assert cell.points_above_paper() == points
