"""Starts programs, as a user does, in a process each.

`run_program` and `start_program` fork the program from one warm process of
this session that has already imported TensorFlow and the package, which takes
the greater part of a short run; see `program_server.py`. Use `run_python` and
`start_python` where a start of the interpreter is what a test is about.
"""

import atexit
import concurrent.futures
import contextlib
import dataclasses
import functools
import io
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).absolute().parents[2]
TRAINERS = ROOT / "trainers"
DATA = ROOT / "data"
SERVER = pathlib.Path(__file__).with_name("program_server.py")


def environment(**added):
    """This process's, without a GPU: on the CPU a seed decides every bit."""
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **added,
    }


def as_flags(values):
    return [f"--{name}={value}" for name, value in values.items()]


def output_of(result):
    """Returns the output of a program that must have succeeded."""
    assert result.returncode == 0, result.stderr[-4000:]
    return result.stdout


def run_python(*arguments, cwd=None, env=()):
    """Starts the same Python and waits; the exit status may be anything."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**dict(env)),
        capture_output=True,
        text=True,
        check=False,
    )


def start_python(*arguments, env=(), stdout=subprocess.PIPE, **options):
    """Starts the same Python, with pipes for what it prints."""
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env=environment(**dict(env)),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run_program(program, *arguments, **options):
    """Runs a program to its end, whatever its exit status.

    Arguments and options are as for `start_program`, apart from the streams.

    Returns:
        A `CompletedProcess` with its output and errors as text.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        streams = {"stdout": output, "stderr": errors}
        with start_program(
            program, *arguments, **streams, **options
        ) as started:
            started.wait()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return subprocess.CompletedProcess(started.args, started.returncode, *texts)


def run_cases(cases, cwd=None):
    """Runs programs, each `(program, flags, *files)`, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(run_program, name, *as_flags(flags), *files, cwd=cwd)
            for name, flags, *files in cases
        ]
    return [x.result() for x in futures]


def start_program(
    program,
    *arguments,
    cwd=None,
    env=(),
    stdin=None,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    start_new_session=False,
    cores=None,
):
    """Starts a program; its pipes can be read while it runs.

    Args:
        program: Its path, absolute or from trainers/.
        *arguments: Its arguments.
        cwd: The folder that it runs in.
        env: What is added to its environment.
        stdin: `subprocess.PIPE` for a pipe to it; by default it is empty.
        stdout: A file, `subprocess.DEVNULL`, or a pipe by default.
        stderr: The same for its errors.
        start_new_session: Whether it leads a session and group of its own.
        cores: The cores that it may use, all by default.

    Returns:
        A `Program`.
    """
    request = {
        "program": str(TRAINERS / program),
        "arguments": [str(x) for x in arguments],
        "environment": environment(**dict(env)),
        "folder": os.path.abspath(cwd or os.getcwd()),
        "new_session": start_new_session,
        "cores": cores and sorted(cores),
    }
    output, its_output = _stream(stdout)
    errors, its_errors = _stream(stderr)
    its_input, given = os.pipe() if stdin else (os.open(os.devnull, 0), None)
    report, reporting = os.pipe()
    files = [its_input, its_output, its_errors, reporting]
    process = _server().start(json.dumps(request).encode(), files)
    for file in files:
        os.close(file)
    return Program(
        process,
        [request["program"], *request["arguments"]],
        given and open(given, "w"),
        output,
        errors,
        report,
    )


def _stream(file):
    """Returns our end of a stream, if there is one, and the program's."""
    if file == subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_WRONLY)
    if file != subprocess.PIPE:
        return None, os.dup(file if isinstance(file, int) else file.fileno())
    read, write = os.pipe()
    return open(read, errors="replace"), write


@dataclasses.dataclass
class Program:
    """A program that runs; it is used as `subprocess.Popen` is."""

    pid: int
    args: list
    stdin: io.TextIOBase | None
    stdout: io.TextIOBase | None
    stderr: io.TextIOBase | None
    report: int  # The pipe to which the server writes the exit status.
    returncode: int | None = None

    def wait(self, timeout=None):
        """Waits for the end and returns the exit status."""
        if self.returncode is None:
            if not select.select([self.report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            code = os.read(self.report, 16)
            os.close(self.report)
            self.returncode = int(code) if code else -signal.SIGKILL
        return self.returncode

    def poll(self):
        """Returns the exit status, None as long as it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout=None):
        """Waits for the end and returns what is left of output and errors."""

        def read(stream):
            with stream:
                return stream.read()

        pool = concurrent.futures.ThreadPoolExecutor(2)
        texts = [x and pool.submit(read, x) for x in (self.stdout, self.stderr)]
        pool.shutdown(wait=False)
        output, errors = (x and x.result(timeout) for x in texts)
        self.wait(timeout)
        return output, errors

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()


class _Server:
    """The warm process and the socket to it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._socket, its = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET
        )
        with its:
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), str(its.fileno())],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
            )

    def start(self, message, files):
        """Returns the number of the new process."""
        with self._lock:
            socket.send_fds(self._socket, [message], files)
            reply = self._socket.recv(64)
        assert reply, f"The server has ended: {self._process.wait()}"
        return int(reply)

    def end(self):
        """Ends the process, and with it all programs that still run."""
        self._socket.close()
        self._process.wait()


@functools.cache
def _server():
    server = _Server()
    atexit.register(server.end)
    return server
