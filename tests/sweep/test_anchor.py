"""What the CNN's decisions on single frames come to."""

import pytest

from report_pages import describe_anchor
from report_pages import read_anchor
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_json

ANCHOR = {
    "validation": {"accuracy": {"hard": 0.951, "threshold_by_set": 0.954}},
    "test": {"accuracy": {"hard": 0.9361, "threshold_by_set": 0.9354}},
    "cnn_parameters": 1000,
}


def test_accuracies_of_both_splits_are_read(tmp_path):
    write_json(tmp_path / "anchor.json", ANCHOR)
    assert read_anchor(tmp_path / "anchor.json") == {
        split: ANCHOR[split]["accuracy"] for split in ("validation", "test")
    }


def test_every_way_to_decide_has_a_row_in_percent(tmp_path):
    write_json(tmp_path / "anchor.json", ANCHOR)
    text = describe_anchor(read_anchor(tmp_path / "anchor.json"))
    (rows,) = parse_tables(text)
    assert rows == [
        ["a digit is decided by", "validation", "test"],
        ["the frame's most probable class", "95.1", "93.6"],
        ["thresholds chosen for whole sets of digits", "95.4", "93.5"],
    ]


def test_a_file_that_is_missing_is_named(tmp_path):
    path = tmp_path / "anchor.json"
    with pytest.raises(ValueError, match=f"Expected a JSON file.*{path}"):
        read_anchor(path)


def test_a_split_that_is_missing_is_named(tmp_path):
    path = tmp_path / "anchor.json"
    write_json(path, {"validation": ANCHOR["validation"]})
    with pytest.raises(ValueError, match=f"{path} without test"):
        read_anchor(path)


@pytest.mark.parametrize(
    "accuracy", [None, {}, {"hard": 93.6}, {"hard": 0.9}, [0.9, 0.9]]
)
def test_other_accuracies_are_refused(accuracy, tmp_path):
    path = tmp_path / "anchor.json"
    write_json(path, ANCHOR | {"test": {"accuracy": accuracy}})
    message = (
        "Expected the same accuracies from 0 to 1.*Received: .*frame_union"
    )
    with pytest.raises(ValueError, match=message):
        read_anchor(path)
