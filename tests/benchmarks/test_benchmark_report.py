"""What benchmarks collect, print and write."""

import json
import sys

import pytest

from report import Report
from report import describe_machine
from report import markdown


@pytest.fixture
def report():
    return Report("Reader", "Against the raw read.")


def test_a_figure_at_its_limit_meets_the_goal(report):
    report.add_goal("ours", 1.3, 1.3)
    report.add_goal("theirs", 1.31, 1.3)
    assert [x["met"] for x in report.goals] == [True, False]


def test_a_goal_may_be_the_least(report):
    report.add_goal("ours", 0.9, 0.8, at_most=False)
    report.add_goal("theirs", 0.7, 0.8, at_most=False)
    assert [x["met"] for x in report.goals] == [True, False]


def test_goals_are_printed_with_their_limits(report, capsys):
    report.add_goal("ours", 0.7, 0.8, at_most=False)
    assert capsys.readouterr().out == "Goal: ours >= 0.8: 0.7, not met\n"


def test_a_figure_that_is_no_number_meets_no_goal(report):
    report.add_goal("ours", float("nan"), 1)
    report.add_goal("ours", float("nan"), 1, at_most=False)
    assert [x["met"] for x in report.goals] == [False, False]


def test_a_table_is_printed_as_markdown(report, capsys):
    report.add_table("Rates", ["way", "clips/s"], [["ours", 12], ["raw", 20]])
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "Rates"
    assert lines[2:] == [
        "| way | clips/s |",
        "| --- | ---: |",
        "| ours | 12 |",
        "| raw | 20 |",
    ]
    assert markdown(report.tables[0]).splitlines() == lines[2:]


def test_a_row_of_another_length_is_refused(report):
    with pytest.raises(ValueError, match=r"Received: \['ours'\]"):
        report.add_table("Rates", ["way", "clips/s"], [["ours"]])
    assert not report.tables


def test_what_is_written_is_all_of_it(report, tmp_path, monkeypatch):
    report.add_table("Rates", ["way", "clips/s"], [["ours", 12]])
    report.add_goal("ours", 0.9, 0.8, at_most=False)
    monkeypatch.setattr(sys, "argv", ["/elsewhere/reader.py", "--files=4"])
    path = tmp_path / "new" / "reader.json"
    report.write(path)
    written = json.loads(path.read_text())
    assert written["subject"] == "Reader"
    assert written["command"] == "python reader.py --files=4"
    assert written["tables"][0]["rows"] == [["ours", "12"]]
    assert written["goals"][0]["figure"] == 0.9 and written["goals"][0]["met"]
    assert written["machine"] == json.loads(json.dumps(report.machine))


def test_without_a_path_nothing_is_written(report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report.write(None)
    assert not list(tmp_path.iterdir())


def test_the_machine_is_this_one():
    machine = describe_machine()
    version = ".".join(map(str, sys.version_info[:3]))
    assert machine["versions"]["python"] == version
    assert machine["versions"]["tensorflow"].startswith("2.")
    assert machine["cores"] >= 1 and machine["memory_gib"] >= 1
