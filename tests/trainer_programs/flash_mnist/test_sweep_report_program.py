"""table_1_report.py: from the folder of a sweep to the page of its results."""

import pathlib
import re
import types

import pytest
from matplotlib import image

from support.flash_mnist import made_up_sweep
from support.flash_mnist.made_up_sweep import write_cell
from support.programs import output_of
from support.programs import run_cases

pytestmark = pytest.mark.programs

FILES = ["cells.csv", "cells.json", "curves.csv", "table.csv"]
PICTURES = [
    *("paper_accuracy.png", "paper_fc1_curves.png"),
    *("tuned_accuracy.png", "tuned_fc1_curves.png", "tuned_fc2_curves.png"),
]
COPIES = ["diversity_attended_digits.png", "diversity_attention.png"]
KINDS = (*map(str, range(10)), "none")
DIVERSITY = {
    "num_units": 2,
    "test_accuracy": 0.875,
    "divergence_nats": 0.5,
    "favourite_digits": 0,
    "seen_digits": 0,
    "weights": dict.fromkeys(KINDS, [0.05, 0.06]),
}
FIGURES = dict.fromkeys(
    ("validation_accuracy", "test_accuracy", "permuted_test_accuracy"), 0.5
)
BIASES = {"num_units": 8, "seed": 0, "without": FIGURES, "with": FIGURES}
METHODS = ("hard", "threshold_by_digit", "threshold_by_set")
COST = {"family": "fc1", "num_units": 8, "epoch_seconds": 2.0}
ANCHOR = {
    split: {"accuracy": dict.fromkeys(METHODS, share)}
    for split, share in (("validation", 0.951), ("test", 0.936))
}


def write_sweep(root):
    """A sweep with two protocols, a study, and a cell that was stopped."""
    for seed in range(3):
        write_cell(root, "fc1_shift", 32, seed, 0.90 + seed / 100)
    write_cell(root, "fc1", 32, test=0.80)
    write_cell(root, "fc2", 1, test=0.003)
    write_cell(root, "fc1", 1, test=0.003, protocol="paper")
    write_cell(root, "fc1", 32, test=0.79, protocol="a_study", seed=0)
    made_up_sweep.cell_folder(root, "fc1", 64).mkdir(parents=True)


def write_further(cwd):
    """Files of further sections; gives their flags."""
    files = {
        "anchor": ANCHOR,
        "position_bias": [BIASES | {"bias_standard_deviation": 0.1}],
        "costs": [COST | {"product_seconds": 1.6, "ratio": 1.25}],
        "diversity": {"plain": DIVERSITY},
    }
    for name, values in files.items():
        made_up_sweep.write_json(cwd / name / "x.json", values)
    for name in ("attention.png", "attended_digits.png", "other.png"):
        (cwd / "diversity" / name).write_bytes(name.encode())
    return {name: f"{name}/x.json" for name in files}


def write_page(folder):
    """A page with text by hand, and the results that its tables have."""
    result = made_up_sweep.make_result(
        "fc1", 8, 0, 0.5, "tuned", made_up_sweep.SETTINGS
    )
    made_up_sweep.write_json(folder / "page" / "cells.json", [result])
    text = "Before\n\n<!-- table {} -->\n| old |\n<!-- end -->\n\nAfter\n"
    page = text.format("tuned") + text.format("cost")
    (folder / "page.md").write_text(page)


def write_spoilt(root):
    folder = write_cell(root, "fc1", 32)
    made_up_sweep.drop_key(folder / "result.json", "test_accuracy")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Finished processes for good sweeps and bad ones."""
    cwd = tmp_path_factory.mktemp("reports")
    write_sweep(cwd / "runs" / "table_1")
    write_spoilt(cwd / "spoilt")
    (cwd / "empty").mkdir()
    whole = {"sweep": "runs/table_1", **write_further(cwd)}
    flags = {
        "whole": {**whole, "output": "docs/results/page.md"},
        "again": {**whole, "output": "again/page.md"},
        "filled": {"output": "filled/page.md"},
        "one": {"sweep": "runs/table_1", "protocols": "paper"}
        | {"output": "one.md", "title": "One"},
        "spoilt": {"sweep": "spoilt", "output": "spoilt.md"},
        "empty": {"sweep": "empty", "output": "empty.md"},
        "no_page": {"sweep": "runs/table_1", "output": "folder"},
        "no_anchor": {"sweep": "runs/table_1", "output": "no_anchor.md"}
        | {"anchor": "missing.json"},
        "no_costs": {"sweep": "runs/table_1", "output": "no_costs.md"}
        | {"costs": "anchor/x.json"},
    }
    cases = [
        ("flash_mnist/table_1_report.py", values) for values in flags.values()
    ]
    write_page(cwd / "filled")
    done = dict(zip(flags, run_cases(cases, cwd), strict=True))
    return types.SimpleNamespace(cwd=pathlib.Path(cwd), **done)


@pytest.fixture(scope="module")
def page(reports):
    output_of(reports.whole)
    return (reports.cwd / "docs" / "results" / "page.md").read_text()


def test_the_page_has_all_protocols_and_further_sections(page, reports):
    headings = re.findall(r"^##? (.*)$", page, re.MULTILINE)
    assert headings == [
        "Flash-MNIST: Table 1 of the paper",
        *("Protocol `tuned`", "Protocol `paper`"),
        *("Effect of the settings", "Attention of the units"),
        *("A bias for each position", "Accuracy of the frame CNN alone"),
        "Cost of the tuned protocol",
        "Cost relative to the matrix products",
    ]
    tables = made_up_sweep.parse_tables(page)
    assert "**91.0 ± 1.0** (87.1)" in tables[0][2]
    assert tables[1][1][:2] == ["FC1, N = 1", "0.3"]
    assert tables[2][2] == ["`a_study`", "80.0 (−1.0)"]
    assert tables[3][1][2:4] == ["87.5", "0.500"]
    assert tables[4][2] == ["8", "with", "50.0", "50.0", "50.0", "0.1"]
    assert tables[5][1][1:] == ["95.1", "93.6"]
    assert tables[7] == [["N", "FC1"], ["8", "1.25"]]
    assert len(tables) == 8
    assert output_of(reports.whole).splitlines() == [
        "tuned, cells: 5",
        "not complete, left out: runs/table_1/tuned/fc1/units_064/seed_0",
        "paper, cells: 1",
        "a_study, cells: 1",
        "The page is docs/results/page.md",
    ]


def test_the_folder_beside_it_has_files_and_plots(reports, page):
    folder = reports.cwd / "docs" / "results" / "page"
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(FILES + PICTURES + COPIES)
    for name in COPIES:
        original = name.removeprefix("diversity_").encode()
        assert (folder / name).read_bytes() == original
    for name in PICTURES:
        assert image.imread(folder / name)[:, :, :3].std() > 0.02


def test_the_same_sweep_gives_the_same_bytes(reports, page):
    output_of(reports.again)
    first, second = reports.cwd / "docs" / "results", reports.cwd / "again"
    names = FILES + PICTURES + COPIES
    for name in ["page.md", *(f"page/{name}" for name in names)]:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_one_protocol_may_be_chosen(reports):
    output_of(reports.one)
    text = (reports.cwd / "one.md").read_text()
    assert text.startswith("# One\n")
    assert re.findall("^## Protocol `(.*)`", text, re.M) == ["paper"]
    assert text.count("\n## ") == 1


def test_without_a_sweep_only_tables_are_filled(reports):
    assert output_of(reports.filled).splitlines() == [
        "tuned, cells: 1",
        "Tables without new results, not changed: cost",
        "The page is filled/page.md",
    ]
    folder = reports.cwd / "filled"
    text = (folder / "page.md").read_text()
    assert text.count("Before\n") == text.count("After\n") == 2
    assert "| 8 | **50.0** (31.7) |" in text and text.count("| old |") == 1
    assert [x.name for x in (folder / "page").iterdir()] == ["cells.json"]


@pytest.mark.parametrize(
    "case, message",
    [
        ("spoilt", "result.json without test_accuracy. Train the cell again"),
        ("empty", "Received: empty with none. Pass the --output_dir"),
        ("no_page", "Expected --output to end in .md.*output=folder"),
        ("no_anchor", "Expected a JSON file. Received: missing.json"),
        ("no_costs", "Expected a JSON file with a list.*anchor/x.json"),
    ],
)
def test_errors_are_a_line_and_leave_nothing(case, message, reports):
    result = getattr(reports, case)
    assert result.returncode == 1
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr
    folder = reports.cwd / {"no_page": "folder"}.get(case, case)
    assert not folder.with_suffix(".md").exists()
    assert not (folder / "table.csv").exists()
