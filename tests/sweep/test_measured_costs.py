"""What cells cost against their matrix products."""

import pytest

from report_pages import describe_costs
from report_pages import read_costs
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_json


def row_of(family="fc1", num_units=8, ratio=2.0, **changes):
    row = {"family": family, "num_units": num_units, "ratio": ratio}
    return {**row, "epoch_seconds": 3.0, "product_seconds": 1.5, **changes}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "costs.json"


def test_ratios_have_a_table_in_the_order_of_table_1(path):
    rows = [row_of("fc2", 16, 1.256), row_of("fc1", 8, 2), row_of("fc2", 8, 3)]
    write_json(path, rows)
    text = describe_costs(read_costs(path))
    assert parse_tables(text) == [
        [
            ["N", "FC1", "FC2"],
            ["8", "2.00", "3.00"],
            ["16", "–", "1.26"],
        ]
    ]
    assert "side\nby side in one thread" in text


@pytest.mark.parametrize(
    "rows, message",
    [
        ([], "a list that is not empty"),
        ([row_of(ratio=None)], "ratio to be a number.*ratio=None"),
        ([row_of("fc3")], "'fc3'. Choose one of them. It is read from"),
        ([row_of(), row_of()], "every cell once. Received: fc1 N=8 again in"),
        ([{"family": "fc1"}], "row 0 without num_units"),
    ],
)
def test_other_files_are_refused(rows, message, path):
    write_json(path, rows)
    with pytest.raises(ValueError, match=message):
        read_costs(path)
