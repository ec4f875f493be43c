"""Studies beside the tuned protocol."""

import pathlib
import re

import pytest

import table_1_results
from report_pages import FLAGS
from report_pages import describe_studies
from report_pages import difference_text
from support.flash_mnist.made_up_sweep import SETTINGS
from support.flash_mnist.made_up_sweep import cell_folder
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_cell


class Studies:
    """A sweep's folder that studies are added to."""

    def __init__(self, root):
        self.root = root

    def add(self, study, num_units=8, test=0.9, family="fc1", **settings):
        place = self.root, family, num_units
        settings = SETTINGS | settings
        write_cell(*place, test=test, protocol=study, settings=settings)

    def read(self):
        found = table_1_results.read_sweep(self.root)
        tuned = [x.cells for x in found if x.name == "tuned"]
        table = table_1_results.tabulate_cells(sum(tuned, ()))
        return [x for x in found if x.name != "tuned"], table

    def section(self):
        return describe_studies(*self.read(), "table_1")

    def rows(self):
        (rows,) = parse_tables(self.section())
        return rows

    def difference(self):
        ((study,), tuned) = self.read()
        table = table_1_results.tabulate_cells(study.cells)
        return difference_text(table, tuned)

    def commands(self):
        text = self.section().replace(" \\\n   ", "")
        return re.findall("(?<=runs/table_1 ).*", text)


@pytest.fixture
def studies(tmp_path):
    return Studies(tmp_path)


def test_a_row_is_a_study_and_a_column_a_cell_that_one_ran(studies):
    studies.add("tuned", 8, 0.80)
    studies.add("tuned", 16, 0.85)
    studies.add("tuned", 8, 0.86, "fc1_shift")
    studies.add("z_first", 8, 0.88, "fc1_shift", dropout=0.0)
    studies.add("a_last", 8, 0.79, epochs=6)
    assert studies.rows() == [
        ["what differs", "FC1, N = 8", "FC1 + shift, N = 8"],
        ["`tuned`", "81.0", "87.0"],
        ["`a_last`: 6 epochs (tuned: 3)", "80.0 (−1.0)", "–"],
        ["`z_first`: dropout 0 (tuned: 0.5)", "–", "89.0 (+2.0)"],
    ]


def test_figures_are_means_of_the_validation_split_over_seeds(studies):
    studies.add("tuned", 8, 0.80)
    for seed, accuracy in enumerate((0.83, 0.85)):
        found = {"protocol": "twice", "validation_accuracy": accuracy}
        write_cell(studies.root, "fc1", 8, seed, 0.5, **found)
    assert studies.rows()[-1][1] == "84.0 ± 1.4 (+3.0)"


def test_a_difference_is_that_of_the_figures_shown(studies):
    studies.add("tuned", 8, 0.8004)  # 81.0
    studies.add("near", 8, 0.8006, dropout=0.0)  # 81.1
    assert studies.rows()[-1][1] == "81.1 (+0.1)"


def test_a_cell_that_was_not_tuned_has_no_difference(studies):
    studies.add("tuned", 8)
    studies.add("more", 16, 0.5, epochs=6)
    _, tuned, more = studies.rows()
    assert tuned == ["`tuned`", "–"]
    assert more == [f"`more`: {studies.difference()}", "51.0"]


def test_without_tuned_cells_there_is_no_row_of_them(studies):
    studies.add("more", 16, 0.5)
    header, row = studies.rows()
    assert header == ["what differs", "FC1, N = 16"]
    assert row == [f"`more`: {studies.difference()}", "51.0"]


def test_without_a_tuned_cell_its_protocol_is_compared_with(studies):
    studies.add("more", 16)
    assert studies.difference().startswith("3 epochs (tuned: 12), learning")


def test_a_setting_is_told_once_though_the_tuned_ones_differ(studies):
    for num_units, dropout in ((1, 0.0), (8, 0.5)):
        studies.add("tuned", num_units, dropout=dropout)
        studies.add("study", num_units, dropout=0.0)
    assert studies.difference() == "dropout 0 (tuned: 0 or 0.5)"


def test_values_of_a_study_are_told_with_their_cells(studies):
    for num_units, epochs in ((8, 60), (16, 24), (32, 12)):
        studies.add("tuned", num_units, epochs=30 if num_units == 8 else 12)
        studies.add("study", num_units, epochs=epochs)
    assert studies.difference() == (
        "60 epochs for N = 8 (tuned: 30), 24 epochs for N = 16 (tuned: 12)"
    )


def test_the_same_settings_differ_in_nothing(studies):
    studies.add("tuned")
    studies.add("again")
    assert studies.difference() == "nothing"
    assert studies.commands() == []


def test_a_command_has_the_flags_of_what_differs(studies):
    studies.add("tuned")
    studies.add("study", classifier_rate=8, schedule="constant")
    assert studies.commands() == [
        "--study=study --classifier_rate=8 --schedule=constant "
        "--families=fc1 --num_units=8 --seeds=0"
    ]


def test_cells_of_other_values_have_a_command_of_their_own(studies):
    for num_units, dropout, epochs in ((1, 0.0, 6), (8, 0.5, 6), (16, 0.5, 2)):
        studies.add("tuned", num_units, dropout=dropout)
        studies.add("study", num_units, dropout=0.0, epochs=epochs)
    assert studies.commands() == [
        "--study=study --epochs=6 --dropout=0.0 --families=fc1 "
        "--num_units=1,8 --seeds=0",
        "--study=study --epochs=2 --dropout=0.0 --families=fc1 "
        "--num_units=16 --seeds=0",
    ]


def test_settings_without_a_flag_are_in_no_command(studies):
    studies.add("tuned")
    studies.add("study", dropout=0.0, warmup_epochs=1.0)
    assert "1 warmup epochs (tuned: 0)" in studies.difference()
    assert "warmup" not in studies.commands()[0]


def test_flags_are_those_of_the_program():
    program = (
        pathlib.Path(__file__).parents[2]
        / "trainers"
        / "flash_mnist"
        / "sweep.py"
    )
    if not program.is_file():
        pytest.skip("The programs are not here.")
    text = program.read_text(encoding="utf-8")
    found = re.findall(r'^    "(\w+)": flags\.DEFINE_', text, re.MULTILINE)
    assert found == list(FLAGS)


def test_cells_that_are_not_finished_are_named_with_their_study(studies):
    studies.add("tuned")
    studies.add("study", dropout=0.0)
    cell_folder(studies.root, "fc1", 64, protocol="study").mkdir(parents=True)
    assert "left out: `study/fc1/units_064/seed_0`.\n" in studies.section()


def test_it_is_told_that_validation_decided(studies):
    studies.add("study", dropout=0.0)
    text = studies.section().replace("\n", " ")
    assert "All choices were made on the validation split" in text
