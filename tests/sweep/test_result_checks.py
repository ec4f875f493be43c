"""JSON files of a sweep that are not what a sweep writes."""

import json

import pytest

import table_1_results
from support.flash_mnist import made_up_sweep
from support.flash_mnist.made_up_sweep import write_cell

RESULT_KEYS = [
    *("family", "num_units", "seed", "protocol", "settings"),
    *("validation_accuracy", "validation_top_5_accuracy"),
    *("test_accuracy", "test_top_5_accuracy"),
    *("best_epoch", "epochs", "training_seconds", "parameters"),
    *("product_flops_per_epoch", "tensorflow", "keras"),
]


def message_of(root):
    with pytest.raises(ValueError) as caught:
        table_1_results.read_sweep(root)
    return str(caught.value)


@pytest.mark.parametrize("name", ["result", "curve", "dataset"])
@pytest.mark.parametrize("text", ["", '{"family": ', "\udcff"])
def test_unreadable_json_is_named(name, text, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / f"{name}.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    message = message_of(tmp_path)
    assert f"Expected a JSON file. Received: {path}: " in message
    assert "make it again" in message


@pytest.mark.parametrize("name", ["curve", "dataset"])
def test_a_missing_file_is_named(name, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / f"{name}.json"
    path.unlink()
    assert f"Received: {path}: " in message_of(tmp_path)


@pytest.mark.parametrize("key", RESULT_KEYS)
def test_a_missing_key_of_a_result_is_named(key, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "result.json"
    made_up_sweep.drop_key(path, key)
    message = message_of(tmp_path)
    assert f"Received: {path} without {key}. Train the cell" in message


@pytest.mark.parametrize("key", ["epoch", "accuracy", "val_accuracy"])
def test_a_missing_key_of_a_curve_is_named_with_its_row(key, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / "curve.json"
    rows = json.loads(path.read_text())
    del rows[1][key]
    path.write_text(json.dumps(rows))
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
    folder = write_cell(tmp_path, "fc1", 2)
    path = folder / "result.json"
    result = json.loads(path.read_text()) | {key: value}
    made_up_sweep.write_json(path, result)
    message = message_of(tmp_path)
    assert f"Expected {key} to be a " in message
    assert f"Received: {key}={value!r} in {path}" in message


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("result", "[1]", "JSON mapping"),
        ("curve", "{}", "JSON file with a list that is not empty"),
        ("curve", "[]", "JSON file with a list that is not empty"),
        ("curve", "[3, 3, 3]", "JSON mapping"),
    ],
)
def test_json_of_another_shape_is_named(name, text, expected, tmp_path):
    path = write_cell(tmp_path, "fc1", 2) / f"{name}.json"
    path.write_text(text)
    message = message_of(tmp_path)
    assert f"Expected a {expected}" in message and str(path) in message
