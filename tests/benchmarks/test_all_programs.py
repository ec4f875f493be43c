"""Benchmarks run one after the other."""

import json
import types

import pytest

import all_programs
from all_programs import Program

pytestmark = pytest.mark.programs

WELL = """
import json, sys
path = sys.argv[-1].removeprefix("--output=")
open(path, "w").write(json.dumps(sys.argv[1]))
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
    """Runs all of them in a folder with old reports."""
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


def test_a_failed_program_does_not_stop_the_others(ran):
    for name in ("well", "last"):
        written = json.loads((ran.folder / f"{name}.json").read_text())
        assert written == f"--name={name}"


def test_programs_that_fail_or_write_nothing_are_returned(ran):
    failed = [program.name for program in ran.failed]
    assert failed == ["raises", "writes_nothing", "absent"]


def test_the_old_report_of_a_failed_program_is_removed(ran):
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
