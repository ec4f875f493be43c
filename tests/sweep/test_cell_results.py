"""read_sweep: a sweep's folder as results, or what is wrong with it."""

import json

import pytest

import table_1_results
from cells import Cell
from support.flash_mnist import made_up_sweep
from support.flash_mnist.made_up_sweep import write_cell


def read_one(root):
    (protocol,) = table_1_results.read_sweep(root)
    return protocol


def message_of(root, *arguments):
    with pytest.raises(ValueError) as caught:
        table_1_results.read_sweep(root, *arguments)
    return str(caught.value)


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
    (cell,) = read_one(tmp_path).cells
    assert cell.result == json.loads((folder / "result.json").read_text())
    assert cell.curve == json.loads((folder / "curve.json").read_text())
    assert cell.result["test_accuracy"] == 0.25
    assert cell.dataset == made_up_sweep.DATASET


def test_cells_without_a_result_are_unfinished(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    stopped = write_cell(tmp_path, "fc1", 4)
    (stopped / "result.json").unlink()
    found = read_one(tmp_path)
    assert [x.cell.num_units for x in found.cells] == [2]
    assert found.unfinished == (stopped,)


def test_the_tuned_protocol_is_the_first_and_studies_are_the_last(tmp_path):
    for protocol in ("a_study", "paper", "tuned"):
        write_cell(tmp_path, "fc1", 2, protocol=protocol)
    names = [x.name for x in table_1_results.read_sweep(tmp_path)]
    assert names == ["tuned", "paper", "a_study"]
    chosen = table_1_results.read_sweep(tmp_path, ["paper"])
    assert [x.name for x in chosen] == ["paper"]


def test_a_protocol_with_nothing_done_is_left_out(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    folder = write_cell(tmp_path, "fc1", 2, protocol="paper")
    (folder / "result.json").unlink()
    assert read_one(tmp_path).name == "tuned"


def test_sittings_are_read_where_there_are_any(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    assert read_one(tmp_path).sittings == ()
    sittings = [{"seconds": 2.5, "cells": 1, "workers": 2}]
    made_up_sweep.write_json(tmp_path / "tuned" / "sittings.json", sittings)
    assert read_one(tmp_path).sittings == tuple(sittings)


def test_a_folder_without_a_result_is_refused(tmp_path):
    message = message_of(tmp_path / "nothing")
    assert message.startswith("Expected results PROTOCOL/")
    assert f"Received: {tmp_path / 'nothing'} with none. Name the" in message


def test_a_protocol_that_was_asked_for_must_have_results(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    message = message_of(tmp_path, ["tuned", "paper"])
    assert f"Received: {tmp_path} with none of paper." in message


def test_two_results_of_a_cell_are_refused(tmp_path):
    first = write_cell(tmp_path, "fc1", 2)
    second = first.with_name("seed_00")
    first.rename(second)
    write_cell(tmp_path, "fc1", 2)
    message = message_of(tmp_path)
    assert "Received: fc1 N=2 seed 0 in " in message
    assert str(first) in message and str(second) in message


def test_a_cell_of_another_protocol_is_refused(tmp_path):
    write_cell(tmp_path, "fc1", 2).parents[2].rename(tmp_path / "paper")
    message = message_of(tmp_path)
    assert "names, paper. Received: protocol='tuned'." in message


def test_a_cell_that_is_none_of_the_table_is_refused(tmp_path):
    folder = write_cell(tmp_path, "fc3", 2)
    message = message_of(tmp_path)
    assert "'fc3'. " in message and str(folder) in message


def test_a_curve_of_fewer_epochs_than_the_result_is_refused(tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "curve.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:2]))
    assert "Received: epochs=3 and 2." in message_of(tmp_path)


def test_cells_of_two_datasets_are_refused(tmp_path):
    write_cell(tmp_path, "fc1", 2)
    path = write_cell(tmp_path, "fc1", 4) / "dataset.json"
    other = {**made_up_sweep.DATASET, "manifest_sha256": "beef"}
    made_up_sweep.write_json(path, other)
    message = message_of(tmp_path)
    assert "to be of the same dataset" in message and "beef" in message
