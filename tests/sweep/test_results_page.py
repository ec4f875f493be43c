"""The Markdown page of a sweep."""

import re

import pytest

import report_pages
import table_1_results
from figures import ACCURACY
from support.flash_mnist.made_up_sweep import PAPER_SETTINGS
from support.flash_mnist.made_up_sweep import SETTINGS
from support.flash_mnist.made_up_sweep import cell_folder
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_cell
from support.flash_mnist.made_up_sweep import write_json

PICTURES = {
    "tuned": {"The curves": "page/curves.png", ACCURACY: "page/accuracy.png"},
    "paper": {},
}
SITTINGS = [
    {"seconds": 3600, "cells": 2, "workers": 2},
    {"seconds": 5400, "cells": 2, "workers": 2},
]


def page_of(root, sections=None, costs=""):
    return report_pages.write_page(
        "A title",
        "table_1",
        table_1_results.read_sweep(root),
        PICTURES,
        sections or {},
        "page",
        costs,
    )


def part_of(page, heading):
    """The text below a heading, up to the next of its rank or higher."""
    rank = heading.count("#")
    rest = page[page.index(f"\n{heading}\n") :].split("\n", 2)[2]
    return re.split(rf"\n#{{1,{rank}}} ", rest)[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Two protocols and a study; of the first, one cell is below the paper."""
    root = tmp_path_factory.mktemp("sweep")
    for seed in range(3):
        hours = {"training_seconds": 1800.0}
        write_cell(root, "fc1", 32, seed, 0.85 + seed / 100, **hours)
        write_cell(root, "fc1_shift", 32, seed, 0.80, **hours)
    cell_folder(root, "fc1", 64).mkdir(parents=True)
    write_json(root / "tuned" / "sittings.json", SITTINGS)
    paper = {"protocol": "paper", "settings": PAPER_SETTINGS}
    write_cell(root, "fc1", 32, test=0.84, **paper)
    study = {"protocol": "no_dropout", "settings": SETTINGS | {"dropout": 0.0}}
    write_cell(root, "fc1", 32, test=0.83, **study)
    sections = {"An anchor": "Its text.", "Left out": ""}
    return page_of(root, sections, "Ratios.")


def test_every_protocol_has_a_section_of_its_own(page):
    found = re.findall(r"^## Protocol `(.*)`$", page, re.MULTILINE)
    assert found == ["tuned", "paper"]
    tuned = parse_tables(part_of(page, "## Protocol `tuned`"))
    paper = parse_tables(part_of(page, "## Protocol `paper`"))
    assert tuned[0][1][1:3] == ["**86.0 ± 1.0** (83.3)", "80.0 ± 0.0 (87.1) ▼"]
    assert paper[0][1][:3] == ["FC1, N = 32", "84.0", "83.3"]
    assert paper[0][1][4:] == ["86.0 ± 1.0", "87.0 ± 1.0"]


def test_sections_come_in_the_order_of_their_weight(page):
    assert re.findall("^## (.*)$", page, re.MULTILINE) == [
        *("Protocol `tuned`", "Protocol `paper`", "What the settings do"),
        *("An anchor", "Cost", "Files"),
    ]


def test_the_accuracys_picture_is_right_below_its_table(page):
    text = part_of(page, "## Protocol `tuned`")
    places = [
        text.index(x)
        for x in ("| 32 |", "accuracy.png", "###", "python", "curves.png")
    ]
    assert places == sorted(places)


def test_studies_share_a_section(page):
    text = part_of(page, "## What the settings do")
    (rows,) = parse_tables(text)
    assert rows[-1] == [
        "`no_dropout`: dropout 0 (tuned: 0.5)",
        "84.0 (−3.0)",
    ]
    assert page.count("no_dropout") == 2  # with its command


def test_the_costs_end_with_what_was_measured(page):
    text = part_of(page, "## Cost")
    (rows,) = parse_tables(text)
    assert rows[1] == ["32", *["1,639,424 · 2.00 · 480.0"] * 2]
    assert text.startswith("\nProtocol `tuned`:\n")
    assert text.endswith("\nRatios.")


def test_the_kind_of_deviation_is_told(page):
    introduction = page.split("\n## ")[0]
    assert "sample standard\ndeviation (ddof = 1" in introduction


def test_data_and_versions_are_told(page):
    assert "Dataset `flash_mnist`, SHA-256 of its manifest `6805" in page
    assert "TensorFlow 2.17.1, Keras 3.15.1" in page


def test_cells_below_the_paper_are_listed_under_the_table(page):
    text = part_of(page, "## Protocol `tuned`")
    assert "Below the paper: FC1 + shift, N = 32 (by 7.1 points).\n" in text
    paper = part_of(page, "## Protocol `paper`")
    assert "▼ |" not in paper and "Nothing differs" in paper


def test_the_command_names_the_cells_that_were_trained(page):
    text = part_of(page, "## Protocol `tuned`")
    assert (
        "```\npython trainers/flash_mnist/sweep.py --data_dir=records/flash_mnist \\\n"
        "    --output_dir=runs/table_1 --protocol=tuned "
        "--families=fc1,fc1_shift \\\n"
        "    --num_units=32 --seeds=0,1,2\n```\n"
    ) in text


def test_the_time_of_the_sweep_is_told(page):
    text = part_of(page, "## Protocol `tuned`")
    assert "3 h 0 min of their own; 2 h 30 min by the clock, 2 at" in text
    assert "by the clock" not in part_of(page, "## Protocol `paper`")


def test_unfinished_cells_are_named_without_the_way_to_them(page):
    assert "left out: `fc1/units_064/seed_0`.\n" in page


def test_pictures_have_captions(page):
    assert "The curves:\n\n![The curves](page/curves.png)\n" in page


def test_further_sections_come_where_there_are_any(page):
    assert part_of(page, "## An anchor").strip() == "Its text."
    assert "Left out" not in page


def test_studies_alone_have_a_page(tmp_path):
    write_cell(tmp_path, "fc1", 32, protocol="no_dropout")
    page = page_of(tmp_path)
    assert re.findall("^## (.*)$", page, re.MULTILINE) == [
        *("What the settings do", "Files")
    ]


def test_short_times_have_a_unit(tmp_path):
    write_cell(tmp_path, "fc1", 32)
    assert "all cells together: 8 s of their own.\n" in page_of(tmp_path)
