"""Tables of the page of results, and the files beside it."""

import copy
import csv
import functools
import json
import pathlib
import re

import numpy as np
import pytest

import report_tables
import table_1_report
import table_1_results
from support.flash_mnist.made_up_sweep import PAPER_SETTINGS
from support.flash_mnist.made_up_sweep import SETTINGS
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_cell
from support.flash_mnist.made_up_sweep import write_json

PAGE = pathlib.Path(__file__).parents[2] / "docs/results/flash_mnist.md"
SEEDS = (0.900, 0.912, 0.904)
KINDS = (*map(str, range(10)), "none")
RUN = {
    "num_units": 3,
    "test_accuracy": 0.875,
    "divergence_nats": 0.5554,
    "favourite_digits": 1,
    "seen_digits": 2,
    "weights": {kind: [0.01, 0.02, 0.03] for kind in KINDS}
    | {"7": [0.04, 0.80, 0.90], "3": [None] * 3, "none": [0.1, 0.2, 0.6]},
}
COST = {"family": "fc1", "num_units": 8, "ratio": 2.0}
FRAME_UNION = {
    split: {
        "accuracy": dict(
            zip(report_tables.FRAME_UNION_METHODS, shares, strict=True)
        )
    }
    for split, shares in {
        "validation": (0.951, 0.954, 0.955),
        "test": (0.9361, 0.9354, 0.9366),
    }.items()
}


def position_bias(num_units, seed=0, test=0.9, deviation=0.5):
    def accuracies(test, permuted):
        values = (test + 0.01, test, permuted)
        return dict(
            zip(report_tables.POSITION_BIAS_METRICS, values, strict=True)
        )

    return {
        "num_units": num_units,
        "seed": seed,
        "without": accuracies(test, test),
        "with": accuracies(test + 0.02, test - 0.3),
        "bias_standard_deviation": deviation,
    }


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Cells above, at and below the paper, of one seed and of three."""
    root = tmp_path_factory.mktemp("sweep")
    write_cell(root, "average", 1, test=0.0024)  # 0.2 as the paper's
    write_cell(root, "fc1", 32, test=0.8326)  # 83.3 as the paper's
    write_cell(root, "fc2", 32, test=0.8311)  # 83.1, the paper has 83.2
    for seed, test in enumerate(SEEDS):
        write_cell(root, "fc1_shift", 32, seed, test)
    write_cell(root, "fc2_shift", 256, test=0.86)
    paper = {"protocol": "paper", "settings": PAPER_SETTINGS}
    write_cell(root, "fc1_shift", 32, test=0.5, **paper)
    write_cell(root, "fc2_shift", 128, test=0.9, **paper)
    for seed, accuracy in enumerate((0.83, 0.85)):
        found = {"protocol": "twice", "validation_accuracy": accuracy}
        write_cell(root, "fc1_shift", 32, seed, 0.5, **found)
    study = {"protocol": "a_study", "settings": SETTINGS | {"dropout": 0.0}}
    write_cell(root, "fc1", 32, test=0.8331, **study)  # 84.31, shown as 84.3
    write_cell(root, "fc2", 32, test=0.8338, **study)
    write_cell(root, "fc2", 16, test=0.50, **study)
    return table_1_results.read_sweep(root)


@pytest.fixture(scope="module")
def tables(sweep):
    return table_1_report.make_tables(sweep)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.json"


def rows_of(text):
    (rows,) = parse_tables(text)
    return rows


def test_accuracies_stand_beside_the_papers_and_mindspores(tables):
    deviation = np.std(SEEDS, ddof=1)
    assert f"{100 * deviation:.1f}" == "0.6" != f"{100 * np.std(SEEDS):.1f}"
    assert rows_of(tables["tuned"]) == [
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


def test_cells_of_the_papers_protocol_stand_beside_the_tuned_if_any(
    tables, sweep
):
    beside = [
        ["cell", "test", "the paper's test", "validation"]
        + ["test, `tuned`", "validation, `tuned`"],
        ["FC1 + shift, N = 32", "50.0 ▼", "87.1", "51.0"]
        + ["90.5 ± 0.6", "91.5 ± 0.6"],
        ["FC2 + shift, N = 128", "90.0", "85.7", "91.0", "–", "–"],
    ]
    assert rows_of(tables["paper"]) == beside
    alone = table_1_report.make_tables(sweep[1:])
    assert rows_of(alone["paper"]) == [row[:4] for row in beside]
    assert list(alone) == ["paper", "studies"]
    assert rows_of(alone["studies"])[1][0] == "`a_study`"


def test_studies_show_validation_and_the_difference_as_displayed(tables):
    assert rows_of(tables["studies"]) == [
        ["study", "FC1, N = 32", "FC2, N = 16", "FC2, N = 32"]
        + ["FC1 + shift, N = 32"],
        ["`tuned`", "84.3", "–", "84.1", "91.5 ± 0.6"],
        ["`a_study`", "84.3 (0.0)", "51.0", "84.4 (+0.3)", "–"],
        ["`twice`", "–", "–", "–", "84.0 ± 1.4 (−7.5)"],
    ]


def test_costs_are_parameters_seconds_and_the_rate(tables):
    rows = rows_of(tables["cost"])
    assert rows[1][1] == "52,224 · 2.00 · 15.0"
    assert rows[2][4] == "1,639,424 · 2.00 · 480.0"


def test_families_without_a_cell_have_no_column(tmp_path):
    write_cell(tmp_path, "fc1", 8, test=0.5)
    tables = table_1_report.make_tables(table_1_results.read_sweep(tmp_path))
    assert rows_of(tables["tuned"]) == [["N", "FC1"], ["8", "**50.0** (31.7)"]]


def test_a_run_has_a_row_of_its_units_attention(path):
    write_json(path, {"plain": RUN})
    rows = rows_of(report_tables.diversity_table(path))
    assert rows[1] == ["plain", "3", "87.5", "0.555", "1", "58", "2", "30"]


def test_biases_are_averaged_over_seeds(path):
    rows = [position_bias(32, 1, 0.90, 0.5), position_bias(32, 0, 0.92, 0.7)]
    write_json(path, [*rows, position_bias(8, test=0.7)])
    spread = f"{np.std([90, 92], ddof=1):.1f}"
    accuracies = [f"{x}.0 ± {spread}" for x in (92, 91, 91, 94, 93, 61)]
    assert rows_of(report_tables.position_bias_table(path)) == [
        ["N", "biases", "validation", "test", "test, other order"]
        + ["standard deviation"],
        ["8", "without", "71.0", "70.0", "70.0", "0"],
        ["8", "with", "73.0", "72.0", "40.0", "0.5"],
        ["32", "without", *accuracies[:3], "0"],
        ["32", "with", *accuracies[3:], "0.6"],
    ]


def test_every_method_of_the_frame_cnn_has_a_row(path):
    write_json(path, FRAME_UNION)
    assert rows_of(report_tables.frame_union_table(path)) == [
        ["a digit is decided by", "validation", "test"],
        ["the frame's most probable class", "95.1", "93.6"],
        ["a threshold for each digit, chosen by itself", "95.4", "93.5"],
        ["thresholds chosen for whole sets of digits", "95.5", "93.7"],
    ]


def test_cost_ratios_are_in_the_order_of_table_1(path):
    changes = (("fc2", 16, 1.256), ("fc1", 8, 2), ("fc2", 8, 3))
    write_json(path, [dict(zip(COST, x, strict=True)) for x in changes])
    assert rows_of(report_tables.cost_ratio_table(path)) == [
        ["N", "FC1", "FC2"],
        ["8", "2.00", "3.00"],
        ["16", "–", "1.26"],
    ]


def changed(values, *keys, value):
    values = copy.deepcopy(values)
    *outer, last = keys
    functools.reduce(dict.__getitem__, outer, values)[last] = value
    return values


@pytest.mark.parametrize(
    "table, values, message",
    [
        ("diversity", {}, "Expected one run or more"),
        ("diversity", {"x": {"num_units": 3}}, "run x without test_accuracy"),
        *(
            (
                "diversity",
                {"x": changed(RUN, *keys, value=value)},
                "run x, with",
            )
            for keys, value in [
                (("weights", "none"), [0.1]),
                (("weights", "4"), None),
                (("weights", "4"), [0.1, 1.2, 0.1]),
                (("num_units",), 0),
            ]
        ),
        ("position_bias", [{"num_units": 8}], "row 0 without seed, without"),
        (
            "position_bias",
            [changed(position_bias(8), "with", value={"test_accuracy": 0.5})],
            "json, with without validation_accuracy",
        ),
        ("costs", [], "a list that is not empty"),
        ("costs", [COST | {"ratio": None}], "ratio to be a number.*ratio=None"),
        ("costs", [COST | {"family": "fc3"}], "'fc3'. It is read from"),
        ("costs", [COST, COST], "every cell once. Received: fc1 N=8 twice in"),
        ("costs", [{"family": "fc1"}], "row 0 without num_units"),
        ("anchor", {"validation": {}}, "json without test"),
        *(
            (
                "anchor",
                changed(FRAME_UNION, "test", "accuracy", value=value),
                "Expected.*accuracy of test",
            )
            for value in (None, {}, {"hard": 0.9}, [0.9, 0.9])
        ),
        (
            "anchor",
            changed(FRAME_UNION, "test", "accuracy", "hard", value=93.6),
            "hard to be a share.*hard=93.6",
        ),
    ],
)
def test_invalid_files_are_refused(table, values, message, path):
    write_json(path, values)
    with pytest.raises(ValueError, match=message):
        report_tables.FURTHER_TABLES[table](path)


def test_columns_of_words_are_aligned_to_the_left():
    text = report_tables.markdown_table(["a", "b", "c"], [["x", "1", "2"]], 1)
    assert text == "| a | b | c |\n| --- | ---: | ---: |\n| x | 1 | 2 |\n"


def test_only_tables_with_results_are_replaced_and_need_a_place():
    page = "a\n<!-- table one -->\nold\n<!-- end -->\n" * 2
    page += "b\n<!-- table two -->\nkept\n<!-- end -->\nc\n"
    filled, kept = table_1_report.fill_page(page, {"one": "| new |\n"})
    assert filled == page.replace("old", "| new |")
    assert kept == ["two"]
    with pytest.raises(ValueError, match="Received: a page without three."):
        table_1_report.fill_page(page, {"one": "x\n", "three": "x\n"})


@pytest.mark.skipif(not PAGE.is_file(), reason="The page is not here.")
def test_the_page_has_the_tables_of_its_results():
    cells = PAGE.with_suffix("") / "cells.json"
    tables = table_1_report.make_tables(table_1_results.read_cells_file(cells))
    assert list(tables) == ["tuned", "paper", "studies"]
    page = PAGE.read_text(encoding="utf-8")
    assert table_1_report.fill_page(page, tables)[0] == page
    for address in re.findall(r"\]\(([^)]+)\)", page):
        assert (PAGE.parent / address).is_file()


ACCURACIES = (0.9, 0.91, 0.926)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of two protocols, the second with a size of its own."""
    root = tmp_path_factory.mktemp("files")
    for seed, accuracy in enumerate(ACCURACIES):
        write_cell(root / "in", "fc1_shift", 32, seed, accuracy)
    write_cell(root / "in", "average", 3, test=0.1, protocol="paper")
    protocols = table_1_results.read_sweep(root / "in")
    table_1_report.write_files(protocols, root)
    return root


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_file_has_a_row_for_each_cell(folder):
    first, second = read_csv(folder / "table.csv")
    deviation = 100 * np.std(ACCURACIES, ddof=1)
    expected = {
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
    names = ["protocol", "family", "num_units", "seeds"]
    assert list(first) == [*names, *expected]
    assert [first[x] for x in names] == ["tuned", "fc1_shift", "32", "3"]
    values = {name: float(first[name]) for name in expected}
    assert values == pytest.approx(expected)
    empty = ("test_deviation", "paper_percent", "points_above_paper")
    assert [second[x] for x in (*empty, "mindspore_gpu_percent")] == [""] * 4


def test_the_cells_files_have_every_seed(folder):
    rows = read_csv(folder / "cells.csv")
    protocols = ["tuned", "tuned", "tuned", "paper"]
    assert [x["protocol"] for x in rows] == protocols
    assert [x["seed"] for x in rows] == ["0", "1", "2", "0"]
    assert [float(x["test_accuracy"]) for x in rows] == [*ACCURACIES, 0.1]
    assert rows[0]["product_flops_per_epoch"] == "960000000000"
    results = json.loads((folder / "cells.json").read_text())
    assert [x["test_accuracy"] for x in results] == [*ACCURACIES, 0.1]
    assert results[0]["settings"]["learning_rate"] == 0.004


def test_the_curves_file_has_every_epoch(folder):
    rows = read_csv(folder / "curves.csv")
    assert len(rows) == 4 * 3
    assert [x["epoch"] for x in rows[:3]] == ["0", "1", "2"]
    values = [float(x["val_accuracy"]) for x in rows[3:6]]
    np.testing.assert_allclose(values, 0.92 * np.arange(1, 4) / 3, atol=1e-6)
    training = [float(x["accuracy"]) for x in rows[3:6]]
    np.testing.assert_allclose(training, np.array(values) / 2, atol=1e-6)
