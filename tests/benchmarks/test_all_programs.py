"""Benchmarks one after the other."""

import json
import types

import pytest

import all_programs
from programs import PROGRAMS
from programs import Program
from support.benchmarks import made_up_reports

pytestmark = pytest.mark.programs

WELL = f"""
import json, sys
report = {made_up_reports.report("Well")!r}
report["command"] = sys.argv[1]
open(sys.argv[-1].removeprefix("--output="), "w").write(json.dumps(report))
print("measured", flush=True)
"""
CONTENTS = {
    "well": WELL,
    "raises": "raise SystemExit(3)",
    "writes_nothing": "",
    "absent": None,
    "last": WELL,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """All of them were run, where there were old figures."""
    folder = tmp_path_factory.mktemp("bench")
    programs = [
        Program(name, str(folder / f"{name}.py"), (f"--name={name}",))
        for name in CONTENTS
    ]
    for program in programs:
        if CONTENTS[program.name] is not None:
            (folder / program.file).write_text(CONTENTS[program.name])
        (folder / f"{program.name}.json").write_text("old")
    failed = all_programs.run_all(programs, folder)
    return types.SimpleNamespace(folder=folder, failed=failed)


def test_one_that_fails_does_not_stop_the_others(ran):
    for name in ("well", "last"):
        written = json.loads((ran.folder / f"{name}.json").read_text())
        assert written["command"] == f"--name={name}"


def test_those_that_fail_or_write_nothing_are_told(ran):
    failed = [program.name for program in ran.failed]
    assert failed == ["raises", "writes_nothing", "absent"]


def test_old_figures_of_one_that_fails_are_not_kept(ran):
    left = sorted(path.stem for path in ran.folder.glob("*.json"))
    assert left == ["last", "well"]


def test_a_program_that_takes_too_long_has_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(all_programs, "LIMIT", 0.2)
    (tmp_path / "waits.py").write_text("import sys; sys.stdin.read()")
    waits = Program("waits", str(tmp_path / "waits.py"))
    real_run = all_programs.subprocess.run

    def run(command, timeout):  # An input that never ends.
        pipe = all_programs.subprocess.PIPE
        return real_run(command, timeout=timeout, stdin=pipe)

    monkeypatch.setattr(all_programs.subprocess, "run", run)
    assert not all_programs.run(waits, tmp_path)


def test_what_needs_another_machine_is_run_only_when_named():
    chosen = all_programs.choose([])
    assert chosen == [x for x in PROGRAMS if x.name != "gpu_step"]
    (gpu,) = all_programs.choose(["gpu_step"])
    assert gpu.needs == "a GPU, JAX and PyTorch"


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="serving.*Received: servng"):
        all_programs.choose(["reader", "servng"])


def test_programs_have_names_of_their_own():
    names = [program.name for program in PROGRAMS]
    assert len(set(names)) == len(names) >= 10
