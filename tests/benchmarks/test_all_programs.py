"""Benchmarks run one after the other."""

import pytest

import all_programs
from all_programs import Program

pytestmark = pytest.mark.programs

WELL = """
import sys
open(sys.argv[-1].removeprefix("--output="), "w").write(sys.argv[1])
"""
CONTENTS = {
    "well": WELL,
    "raises": "raise SystemExit(3)",
    "writes_nothing": "",
    "absent": None,
    "last": WELL,
}


def test_a_failed_program_is_returned_and_does_not_stop_the_others(tmp_path):
    programs = [
        Program(name, str(tmp_path / f"{name}.py"), (f"--name={name}",))
        for name in CONTENTS
    ]
    for program in programs:
        if CONTENTS[program.name] is not None:
            (tmp_path / program.file).write_text(CONTENTS[program.name])
        (tmp_path / f"{program.name}.json").write_text("old")
    failed = [x.name for x in all_programs.run_all(programs, tmp_path)]
    assert failed == ["raises", "writes_nothing", "absent"]
    written = {x.stem: x.read_text() for x in tmp_path.glob("*.json")}
    # The old reports of failed programs are gone.
    assert written == {"well": "--name=well", "last": "--name=last"}


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
