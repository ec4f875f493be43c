"""sweep_report.py: from a sweep's folder to the page of its results."""

import pathlib
import re
import types

import pytest
from matplotlib import image

import borrowed_sweep
from borrowed_sweep import write_cell
from program_runs import output_of
from program_runs import run_cases

FILES = ["cells.csv", "cells.json", "curves.csv", "table.csv"]
PICTURES = [
    *("paper_accuracy.png", "paper_fc1_curves.png"),
    *("tuned_accuracy.png", "tuned_fc1_curves.png", "tuned_fc2_curves.png"),
]
ANCHOR = {
    split: {"accuracy": {"hard": share}}
    for split, share in (("validation", 0.951), ("test", 0.936))
}


def write_sweep(root):
    """A sweep with two protocols, seeds, and a cell that was stopped."""
    for seed in range(3):
        write_cell(root, "fc1_shift", 32, seed, 0.90 + seed / 100)
    write_cell(root, "fc1", 32, test=0.80)
    write_cell(root, "fc2", 1, test=0.003)
    write_cell(root, "fc1", 1, test=0.003, protocol="paper")
    borrowed_sweep.cell_folder(root, "fc1", 64).mkdir(parents=True)


def write_spoilt(root):
    folder = write_cell(root, "fc1", 32)
    borrowed_sweep.drop_key(folder / "result.json", "test_accuracy")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """What the program did with good sweeps and bad ones."""
    cwd = tmp_path_factory.mktemp("reports")
    write_sweep(cwd / "runs" / "table_1")
    write_spoilt(cwd / "spoilt")
    (cwd / "empty").mkdir()
    borrowed_sweep.write_json(cwd / "anchor.json", ANCHOR)
    whole = {"sweep": "runs/table_1", "anchor": "anchor.json"}
    flags = {
        "whole": {**whole, "output": "docs/results/page.md"},
        "again": {**whole, "output": "again/page.md"},
        "one": {"sweep": "runs/table_1", "protocols": "paper"}
        | {"output": "one.md", "title": "One"},
        "spoilt": {"sweep": "spoilt", "output": "spoilt.md"},
        "empty": {"sweep": "empty", "output": "empty.md"},
        "no_page": {"sweep": "runs/table_1", "output": "folder"},
        "no_anchor": {"sweep": "runs/table_1", "output": "no_anchor.md"}
        | {"anchor": "missing.json"},
    }
    cases = [("sweep_report.py", values) for values in flags.values()]
    done = dict(zip(flags, run_cases(cases, cwd), strict=True))
    return types.SimpleNamespace(cwd=pathlib.Path(cwd), **done)


@pytest.fixture(scope="module")
def page(reports):
    output_of(reports.whole)
    return (reports.cwd / "docs" / "results" / "page.md").read_text()


def test_the_page_has_all_protocols_and_the_anchor(page):
    headings = re.findall(r"^##? (.*)$", page, re.MULTILINE)
    assert headings == [
        "Flash-MNIST: Table 1 of the paper",
        *("Protocol `tuned`", "Protocol `paper`"),
        *("What the CNN alone comes to", "Files"),
    ]
    tables = borrowed_sweep.parse_tables(page)
    assert len(tables) == 11
    assert "**91.0 ± 1.0** (87.1)" in tables[0][2]
    assert tables[-1][1][1:] == ["95.1", "93.6"]


def test_the_folder_beside_it_has_figures_and_pictures(reports, page):
    folder = reports.cwd / "docs" / "results" / "page"
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(FILES + PICTURES)
    for name in PICTURES:
        assert image.imread(folder / name)[:, :, :3].std() > 0.02


def test_whatever_the_page_refers_to_is_there(reports, page):
    addresses = re.findall(r"\]\(([^)]+)\)", page)
    assert len(addresses) == len(FILES) + len(PICTURES)
    for address in addresses:
        assert (reports.cwd / "docs" / "results" / address).is_file()


def test_unfinished_cells_are_printed(reports):
    assert output_of(reports.whole).splitlines() == [
        "tuned, cells: 5",
        "not finished, left out: runs/table_1/tuned/fc1/units_064/seed_0",
        "paper, cells: 1",
        "The page is docs/results/page.md",
    ]


def test_the_same_sweep_gives_the_same_bytes(reports, page):
    output_of(reports.again)
    first, second = reports.cwd / "docs" / "results", reports.cwd / "again"
    names = ["page.md", *(f"page/{name}" for name in FILES + PICTURES)]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_one_protocol_may_be_chosen(reports):
    output_of(reports.one)
    text = (reports.cwd / "one.md").read_text()
    assert text.startswith("# One\n")
    assert re.findall("Protocol `(.*)`", text) == ["paper"]
    assert "What the CNN alone" not in text


@pytest.mark.parametrize(
    "case, message",
    [
        ("spoilt", "result.json without test_accuracy. Train the cell again"),
        ("empty", "Received: empty with none. Name the --output_dir"),
        ("no_page", "Expected --output to end in .md.*output=folder"),
        ("no_anchor", "Expected a JSON file. Received: missing.json"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(case, message, reports):
    result = getattr(reports, case)
    assert result.returncode == 1
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["spoilt", "empty", "folder", "no_anchor"])
def test_an_error_leaves_nothing(name, reports):
    assert not (reports.cwd / name).with_suffix(".md").exists()
    found = reports.cwd / name
    assert not (found / "table.csv").exists()
