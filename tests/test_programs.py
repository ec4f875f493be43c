"""Programs forked from a warm process are as programs that are started."""

import json
import re
import signal
import subprocess

import pytest

from support.programs import run_program
from support.programs import run_python
from support.programs import start_program

pytestmark = pytest.mark.programs

SEEN = """
import json, multiprocessing, os, signal, sys, threading

signals = ("SIGINT", "SIGTERM", "SIGCHLD", "SIGPIPE")
print(json.dumps({
    "name": __name__,
    "file": __file__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "arguments": sys.argv,
    "path": sys.path,
    "folder": os.getcwd(),
    "spawning": multiprocessing.process.ORIGINAL_DIR,
    "environment": dict(os.environ),
    "signals": [repr(signal.getsignal(getattr(signal, x))) for x in signals],
    "waking": signal.set_wakeup_fd(-1),
    "threads": threading.active_count(),
    "input": sys.stdin.read(),
    "line buffering": [sys.stdout.line_buffering, sys.stderr.line_buffering],
}))
"""
ENDS = {
    "well": "print('done')",
    "a status": "import sys; print('half'); sys.exit(3)",
    "a message": "import sys; sys.exit('what is wrong')",
    "an error": "raise ValueError('what is wrong')",
    "a signal": "import os; print('lost'); os.kill(os.getpid(), 9)",
    "an interruption": "import os; os.kill(os.getpid(), 2)",
    "a handler": "import atexit; atexit.register(print, 'at the end')",
    "a thread": "import threading\nthreading.Timer(0.01, print, 'x').start()",
}
POOLS = """
import multiprocessing, os, sys

def work(number):
    return number * 2, os.getcwd()

if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(work, [1, 2]) == [
                (2, os.getcwd()), (4, os.getcwd())
            ], method
    print("both")
"""
LOOP = """
import signal

print("ready", flush=True)
signal.pause()
"""
ECHO = """
import sys

print(sys.stdin.read())
"""


@pytest.fixture(autouse=True)
def interruptible():
    """Processes that a shell starts in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def write(tmp_path):
    """Writes a program's text and gives its path."""

    def write(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        return path

    return write


def test_a_program_sees_what_a_started_one_sees(write, tmp_path):
    path, found = write(SEEN), []
    for run in (run_program, run_python):
        result = run(path, "--a=1", 2, cwd=tmp_path, env={"ADDED": "x"})
        found.append(json.loads(result.stdout))
    assert found[0] == found[1]
    assert found[0]["arguments"] == [str(path), "--a=1", "2"]
    assert found[0]["environment"]["ADDED"] == "x"


@pytest.mark.parametrize("case", ENDS)
def test_a_program_ends_as_a_started_one_ends(case, write):
    path = write(ENDS[case])
    forked, started = run_program(path), run_python(path)
    assert forked.returncode == started.returncode
    assert forked.stdout == started.stdout
    assert forked.stderr.splitlines()[-1:] == started.stderr.splitlines()[-1:]


def test_pools_of_processes_work_in_a_program(write, tmp_path):
    result = run_program(write(POOLS), cwd=tmp_path)
    assert (result.stdout, result.returncode) == ("both\n", 0), result.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_running_program_is_read_and_gets_signals(number, write):
    path = write(LOOP)
    with start_program(path) as program:
        assert program.stdout.readline() == "ready\n"
        assert program.poll() is None
        program.send_signal(number)
        assert program.wait() == -number
    with start_program(path) as program:
        program.stdout.readline()
    assert program.returncode == -signal.SIGKILL  # as it was left


def test_a_program_is_read_to_its_end_and_reads_its_input(write):
    text = "import sys\nprint('x' * 200000)\nprint('y' * 200000, file=sys."
    with start_program(write(f"{text}stderr)\n")) as program:
        output, errors = program.communicate()
    assert re.fullmatch("x{200000}\n", output)
    assert re.fullmatch("y{200000}\n", errors)
    with start_program(write(ECHO), stdin=subprocess.PIPE) as program:
        program.stdin.write("hello")
        program.stdin.close()
        assert program.communicate() == ("hello\n", "")
