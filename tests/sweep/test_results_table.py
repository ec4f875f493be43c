"""The tables of a sweep's page."""

import numpy as np
import pytest

import report_pages
import table_1_results
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_cell


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Cells above, at and below the paper, of one seed and of three."""
    root = tmp_path_factory.mktemp("sweep")
    write_cell(root, "average", 1, test=0.0024)  # 0.2 as the paper's
    write_cell(root, "fc1", 32, test=0.8326)  # 83.3 as the paper's
    write_cell(root, "fc2", 32, test=0.8311)  # 83.1, the paper has 83.2
    for seed, test in enumerate((0.900, 0.912, 0.904)):
        write_cell(root, "fc1_shift", 32, seed, test)
    write_cell(root, "fc2_shift", 256, test=0.86)
    (protocol,) = table_1_results.read_sweep(root)
    return table_1_results.tabulate_cells(protocol.cells)


def rows_of(text):
    (rows,) = parse_tables(text)
    return rows


def test_figures_stand_beside_the_papers_and_mindspores(table):
    assert rows_of(report_pages.test_table(table)) == [
        ["N", "Average", "FC1", "FC2", "FC1 + shift", "FC2 + shift"]
        + ["MindSpore FC1 + shift (Ascend / GPU)"]
        + ["MindSpore FC2 + shift (Ascend / GPU)"],
        ["1", "0.2 (0.2)", "– (0.2)", "– (0.2)", "– (51.2)", "– (53.7)"]
        + ["34.5 / 31.8", "54.1 / 40.3"],
        ["32", "– (2.4)", "83.3 (83.3)", "83.1 (83.2) ▼"]
        + ["**90.5 ± 0.6** (87.1)", "– (85.6)"]
        + ["84.7 / 85.3", "87.0 / 87.6"],
        ["256", "– (–)", "– (–)", "– (–)", "– (–)", "86.0 (–)"]
        + ["– / –", "– / –"],
    ]


def test_the_spread_is_the_samples_deviation(table):
    deviation = np.std((90.0, 91.2, 90.4), ddof=1)
    text = report_pages.figure_text(table["fc1_shift", 32], "test_accuracy")
    assert text == f"90.5 ± {deviation:.1f}"
    assert f"{deviation:.1f}" != f"{np.std((90.0, 91.2, 90.4)):.1f}"


def test_cells_below_the_paper_are_listed(table):
    below = report_pages.below_paper(table)
    assert [(x.family, x.num_units) for x in below] == [("fc2", 32)]


def test_differences_are_points_above_the_paper(table):
    found = {key: report_pages.difference(x) for key, x in table.items()}
    assert found == {
        ("average", 1): 0.0,
        ("fc1", 32): 0.0,
        ("fc2", 32): -0.1,
        ("fc1_shift", 32): 3.4,
        ("fc2_shift", 256): None,
    }


@pytest.mark.parametrize(
    "points, text",
    [(1.25, "+1.2"), (-2.34, "−2.3"), (0.0, "0.0"), (-0.04, "0.0")],
)
def test_points_have_a_sign_unless_they_are_none(points, text):
    assert report_pages.points_text(points) == text


def test_exact_cells_stand_beside_the_papers_and_the_tuned(table):
    exact = {key: table[key] for key in (("fc2", 32), ("fc2_shift", 256))}
    tuned = {("fc2", 32): table["fc1_shift", 32]}
    assert rows_of(report_pages.exact_table(exact, tuned)) == [
        ["cell", "test", "the paper's test", "validation"]
        + ["test, `tuned`", "validation, `tuned`"],
        ["FC2, N = 32", "83.1 ▼", "83.2", "84.1", "90.5 ± 0.6", "91.5 ± 0.6"],
        ["FC2 + shift, N = 256", "86.0", "–", "87.0", "–", "–"],
    ]


def test_exact_cells_stand_alone_where_nothing_is_tuned(table):
    (header, row) = rows_of(
        report_pages.exact_table({("fc1", 32): table["fc1", 32]}, {})
    )
    assert header == ["cell", "test", "the paper's test", "validation"]
    assert row == ["FC1, N = 32", "83.3", "83.3", "84.3"]


def test_columns_of_words_stand_to_the_left():
    text = report_pages.markdown_table(["a", "b", "c"], [["x", "1", "2"]], 1)
    assert text == "| a | b | c |\n| --- | ---: | ---: |\n| x | 1 | 2 |\n"


def test_costs_are_parameters_seconds_and_the_rate(table):
    rows = rows_of(report_pages.cost_table(table))
    assert rows[1][1] == "52,224 · 2.00 · 15.0"
    assert rows[2][4] == "1,639,424 · 2.00 · 480.0"


def test_families_without_a_cell_have_no_column(tmp_path):
    write_cell(tmp_path, "fc1", 8, test=0.5)
    (protocol,) = table_1_results.read_sweep(tmp_path)
    table = table_1_results.tabulate_cells(protocol.cells)
    rows = rows_of(report_pages.test_table(table))
    assert rows == [["N", "FC1"], ["8", "**50.0** (31.7)"]]
