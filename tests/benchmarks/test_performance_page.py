"""Reports of benchmarks, and the tables of docs/performance.md."""

import pathlib
import re
import sys

import pytest

from all_programs import FOLDER
from all_programs import PROGRAMS
from all_programs import choose
from measurement import performance_page
from measurement.report import Report
from measurement.report import describe_machine

PAGE = pathlib.Path(__file__).parents[2] / "docs/performance.md"
MACHINE = {
    "processor": "Abacus 9",
    "cores": 2,
    "memory_gib": 24,
    "bfloat16": ["amx_bf16"],
    "load": 0.25,
    "versions": {"python": "3.11.7", "tensorflow": "2.17.1"},
}
TEMPLATE = """# Performance

<!-- table machine -->
<!-- end -->

<!-- table goals -->

Old goals.

<!-- end -->

Text of the step.

<!-- table step -->
<!-- end -->

<!-- table reader -->

Old rows.

<!-- end -->

Text of the reader.
"""


@pytest.fixture
def report():
    return Report(machine=dict(MACHINE))


def fill(**reports):
    return performance_page.fill_page(TEMPLATE, reports)


def test_a_value_at_its_limit_meets_the_goal_and_nan_does_not(report):
    for value in (1.3, 1.31, float("nan")):
        report.add_goal("ours", value, 1.3)
    for value in (0.8, 0.7, float("nan")):
        report.add_goal("ours", value, 0.8, at_most=False)
    assert [x["met"] for x in report.goals] == [True, False, False] * 2


def test_a_row_of_another_length_is_rejected(report):
    with pytest.raises(ValueError, match=r"Received: \['ours'\]"):
        report.add_table("Rates", ["way", "clips/s"], [["ours"]])
    assert not report.tables


def test_a_report_is_written_to_a_path_and_read_back(
    report, tmp_path, monkeypatch
):
    report.add_table("Rates", ["way", "clips/s"], [["ours", 12]])
    report.add_goal("ours", 0.9, 0.8, at_most=False)
    report.write(tmp_path / "new" / "reader.json")
    assert report.tables[0]["rows"] == [["ours", "12"]]
    names = ["absent", "reader"]
    reports = performance_page.load_reports(tmp_path / "new", names)
    assert reports == {"reader": report}
    monkeypatch.chdir(tmp_path / "new")
    report.write(None)
    assert [x.name for x in pathlib.Path().iterdir()] == ["reader.json"]


def test_the_machine_is_this_one():
    machine = describe_machine()
    version = ".".join(map(str, sys.version_info[:3]))
    assert machine["versions"]["python"] == version
    assert machine["versions"]["tensorflow"].startswith("2.")
    assert machine["cores"] >= 1 and machine["memory_gib"] >= 1


def test_tables_are_inserted_in_their_blocks_and_text_is_kept(report):
    report.add_table("Rates", ["way", "clips/s"], [["ours", "2,345"]])
    page = fill(reader=report)
    block = page[page.index("<!-- table reader -->") :]
    assert "\nRates:\n\n| way | clips/s |\n" in block
    assert "| ours | 2,345 |\n\n<!-- end -->\n\nText of the reader.\n" in block
    assert "Old" not in page and "Text of the step." in page
    assert performance_page.fill_page(page, {"reader": report}) == page


def test_a_program_without_a_report_is_not_measured(report):
    page = fill(reader=report)
    assert "<!-- table step -->\n\nNot measured.\n\n<!-- end -->" in page


def test_all_goals_are_in_one_table(report):
    report.add_goal("step, times the bound", 1.25, 1.3)
    reader = Report(machine=dict(MACHINE))
    reader.add_goal("reader, times raw", 0.61, 0.8, at_most=False)
    page = fill(step=report, reader=reader)
    assert "**1 of 2 goals are met.**" in page
    assert "| step, times the bound | at most 1.3 | 1.25 | met | step |" in page
    assert "| reader, times raw | at least 0.8 | 0.61 | **not met**" in page


def test_equal_machines_share_a_column(report):
    page = fill(step=report, reader=Report(machine={**MACHINE, "load": 1.75}))
    assert page.count("Abacus 9") == 1
    assert "| programs | step, reader |" in page
    assert "| cores | 2 |" in page and "| memory | 24 GiB |" in page
    assert "python 3.11.7, tensorflow 2.17.1" in page
    assert "amx_bf16" in page and "0.2 to 1.8" in page


@pytest.mark.parametrize(
    "change, row",
    [
        ({"processor": "Abacus 8"}, "| processor | Abacus 9 | Abacus 8 |"),
        ({"bfloat16": []}, "| bfloat16 | amx_bf16 | no |"),
        ({"versions": {"python": "3.12.1"}}, "tensorflow 2.17.1 | python 3.12"),
    ],
)
def test_other_machines_and_versions_have_a_column(report, change, row):
    page = fill(step=report, reader=Report(machine={**MACHINE, **change}))
    assert row in page and "| programs | step | reader |" in page


def test_a_report_without_a_block_is_rejected(report):
    with pytest.raises(ValueError, match=r"without NAME=\['other'\]"):
        fill(other=report)


def test_numbers_have_three_significant_digits():
    values = [1234567.0, 17.04, 0.9999, 0.000123, 400.0]
    numbers = [performance_page.format_number(x) for x in values]
    assert numbers == ["1,230,000", "17", "1", "0.000123", "400"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[1]", b'{"subject": "Half"', b'{"subject": "Half"}', b"\xff"],
)
def test_a_file_that_is_not_a_report_is_rejected(content, tmp_path):
    (tmp_path / "half.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"Received: .*half\.json. Remove"):
        performance_page.load_reports(tmp_path, ["half"])


def test_the_page_has_a_block_and_a_file_for_every_program():
    names = [program.name for program in PROGRAMS]
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^<!-- table (\w+) -->$", text, re.MULTILINE)
    assert blocks == ["machine", "goals", *names]
    assert len(set(names)) == len(names) >= 10
    assert all((FOLDER / program.file).is_file() for program in PROGRAMS)


def test_a_program_with_needs_runs_only_when_named():
    assert choose([]) == [x for x in PROGRAMS if x.name != "gpu_step"]
    (gpu,) = choose(["gpu_step"])
    assert gpu.needs == "a GPU, JAX and PyTorch"
    with pytest.raises(ValueError, match="serving.*Received: servng"):
        choose(["reader", "servng"])
