"""docs/performance.md from made-up reports."""

import re

import pytest

import performance_page
import programs
from support.benchmarks import made_up_reports
from support.benchmarks.made_up_reports import goal
from support.benchmarks.made_up_reports import report

MET = goal("steps, times the floor", 1.25, 1.3)
MISSED = goal("reader, times the raw read", 0.61, 0.8, at_most=False)


@pytest.fixture
def folder(tmp_path):
    """Two subjects, the second in two files, and one unknown program."""
    return made_up_reports.write(
        tmp_path / "reports",
        aaa=report("Own"),
        serving=report("Serving", MISSED, load=1.75),
        step_kinetics_float32=report("Step", MET),
        step_flash_mnist_float32=report("Step", rows=[("other", "2,345")]),
    )


def page_of(folder, prose=None):
    reports = performance_page.load_reports(folder)
    return performance_page.make_page(reports, prose or folder / "none")


def section(page, heading):
    return re.search(rf"^## {heading}\n(.*?)(^## |\Z)", page, re.M | re.S)[1]


def test_the_first_lines_tell_the_goals_and_the_command(folder):
    first = page_of(folder).splitlines()[:6]
    assert first[0] == "# Performance"
    assert first[2].startswith("**1 of 2 [goals](#goals) are met.**")
    assert first[4] == "    make bench"


def test_every_goal_is_in_one_table_next_to_its_figure(folder):
    goals = section(page_of(folder), "Goals")
    assert (
        "| steps, times the floor | at most 1.3 | 1.25 | met | [Step](#step) |"
    ) in goals
    assert (
        "| reader, times the raw read | at least 0.8 | 0.61 | **not met** "
        "| [Serving](#serving) |"
    ) in goals


def test_sections_come_in_the_order_of_the_programs(folder):
    headings = re.findall("^## (.*)$", page_of(folder), re.M)
    subjects = ["Step", "Serving", "Own"]
    assert headings == ["Machine", "Goals", *subjects, "Not run"]


def test_reports_of_one_subject_share_a_section(folder):
    step = section(page_of(folder), "Step")
    assert "| ours | 1.5 |" in step and "| other | 2,345 |" in step
    assert step.count("About the step.") == 1


def test_a_section_has_its_command_without_the_output(folder):
    step = section(page_of(folder), "Step")
    assert step.count("\n    python benchmarks/step.py --few\n") == 1
    assert "/tmp" not in page_of(folder)


def test_a_machine_is_described_once(folder):
    machine = section(page_of(folder), "Machine")
    assert machine.count("Abacus 9") == 1
    assert "| cores | 2 |" in machine and "| memory | 24 GiB |" in machine
    assert "python 3.11.7, tensorflow 2.17.1" in machine
    assert "amx_bf16" in machine and "0.2 to 1.8" in machine


def test_unequal_machines_are_named(folder):
    other = report("Serving", processor="Abacus 8", bfloat16=[])
    made_up_reports.write(folder, serving=other)
    machine = section(page_of(folder), "Machine")
    assert "of 2 machines or installations" in machine
    assert "| processor | Abacus 9 | Abacus 8 |" in machine
    assert "| bfloat16 | amx_bf16 | no |" in machine
    assert (
        "| figures | step_kinetics_float32, step_flash_mnist_float32, aaa "
        "| serving |"
    ) in machine


def test_other_versions_are_another_installation(folder):
    versions = {"python": "3.12.1"}
    made_up_reports.write(folder, aaa=report("Own", versions=versions))
    machine = section(page_of(folder), "Machine")
    assert "of 2 machines or installations" in machine
    assert "| python 3.12.1 |" in machine


def test_prose_of_a_subject_is_in_its_section(folder, tmp_path):
    prose = tmp_path / "prose"
    prose.mkdir()
    (prose / "serving.md").write_text("JSON is slow.\n")
    (prose / "absent.md").write_text("Never shown.\n")
    page = page_of(folder, prose)
    assert section(page, "Serving").rstrip().endswith("JSON is slow.")
    assert page.count("JSON is slow.") == 1 and "Never shown" not in page


def test_programs_without_a_report_are_named_with_their_commands(folder):
    lines = section(page_of(folder), "Not run").strip().splitlines()
    assert len(lines) == len(programs.PROGRAMS) - 3
    (gpu,) = (x for x in lines if "gpu_step" in x)
    assert gpu == (
        "- `python benchmarks/gpu_step.py --output=runs/bench/gpu_step.json` "
        "needs a GPU, JAX and PyTorch and was not run."
    )


def test_a_gpus_report_has_a_section(folder):
    made_up_reports.write(folder, gpu_step=report("GPU"))
    page = page_of(folder)
    assert "| ours | 1.5 |" in section(page, "GPU")
    assert "gpu_step.py" not in page


def test_large_and_small_figures_can_be_read():
    figures = [1234567.0, 17.04, 0.9999, 0.000123, 400.0]
    readable = [performance_page.readable(x) for x in figures]
    assert readable == ["1,230,000", "17", "1", "0.000123", "400"]


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"subject": "Half"', '{"subject": "Half"}']
)
def test_what_is_no_report_is_refused(content, folder):
    (folder / "half.json").write_text(content)
    with pytest.raises(ValueError, match=r"Received: .*half\.json.* remove it"):
        page_of(folder)


def test_a_folder_without_reports_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: .*`make bench` writes"):
        page_of(tmp_path)
