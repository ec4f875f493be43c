"""What others report for Table 1."""

import pytest

import cells
from cells import FAMILIES
from cells import NUM_UNITS

# Rows as they are printed, N first; the table itself is kept by columns.
PAPER = """
1 0.2 0.2 0.2 51.2 53.7
2 0.4 0.4 0.5 64.8 66.8
4 0.6 2.2 2.3 75.9 76.8
8 0.9 31.7 22.5 80.6 83.1
16 1.2 82.3 82.0 86.9 84.9
32 2.4 83.3 83.2 87.1 85.6
64 5.0 83.2 82.4 87.1 85.6
128 8.9 81.8 80.9 87.1 85.7
"""
# Ascend and GPU of FC1 with shift, then of FC2 with shift.
MINDSPORE = """
1 34.5 31.8 54.1 40.3
2 65.8 19.4 64.7 41.3
4 72.7 37.8 73.8 53.1
8 80.5 65.0 76.4 81.6
16 84.6 84.3 86.6 85.5
32 84.7 85.3 87.0 87.6
64 85.0 86.0 87.3 88.1
128 85.2 86.1 87.4 88.3
"""


def rows_of(text):
    return [list(map(float, line.split())) for line in text.split("\n") if line]


def test_the_papers_figures_are_those_of_its_rows():
    found = [
        [n, *(cells.paper_accuracy(x, n) for x in FAMILIES)] for n in NUM_UNITS
    ]
    assert found == rows_of(PAPER)


def test_mindspores_figures_are_those_of_its_rows():
    found = [
        [n]
        + [
            cells.mindspore_accuracy(device, family, n)
            for family in ("fc1_shift", "fc2_shift")
            for device in ("Ascend", "GPU")
        ]
        for n in NUM_UNITS
    ]
    assert found == rows_of(MINDSPORE)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_size_that_nobody_tried_has_no_figure(family):
    assert cells.paper_accuracy(family, 3) is None
    assert cells.mindspore_accuracy("GPU", family, 3) is None


def test_mindspore_tried_no_cluster_without_shifting():
    assert cells.mindspore_accuracy("GPU", "fc1", 32) is None
