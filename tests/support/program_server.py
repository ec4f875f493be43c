"""Starts programs as forks of one process that has imported what they import.

    python program_server.py SOCKET

A message of the socket is the JSON of a program, its arguments, environment
and folder, with four file descriptors: the program's standard streams and a
pipe. The reply is the number of the program's process. When the program has
ended, its exit status (negative for a signal) is written to the pipe.

The fork returns to the top level of this file and becomes the program there:
exceptions, threads, exit handlers and the exit status are the interpreter's
business, as in `python PROGRAM ARGUMENT...`. Before a fork no TensorFlow
operation has run and no device was listed, so that programs can choose their
devices.
"""

import contextlib
import gc
import io
import json
import multiprocessing.process
import os
import select
import signal
import socket
import sys
import types

PATH = sys.path[1:]  # Before others add to it.

import keras  # noqa: E402, F401
import tensorflow as tf  # noqa: E402, F401

import ac_keras.pipeline  # noqa: E402
import ac_keras.runs  # noqa: E402
import ac_keras.serving  # noqa: E402
import ac_keras.training  # noqa: E402
import ac_keras.visualization  # noqa: E402, F401

LONGEST_MESSAGE = 2**17


class ProgramServer:
    """Forks programs and reports how they ended.

    Args:
        requests: The socket of messages and replies.
    """

    def __init__(self, requests):
        self._requests = requests
        self._reports = {}  # pipes by process
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C

    def next_program(self):
        """Returns the request of a fork, in the fork and only there."""
        while True:
            ready, _, _ = select.select([self._requests, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._report_ends()
            if self._requests in ready:
                message, files, _, _ = socket.recv_fds(
                    self._requests, LONGEST_MESSAGE, 4
                )
                if not message:
                    self._kill_all()
                *streams, report = files
                process = os.fork()
                if not process:
                    os.close(report)
                    self._forget()
                    return json.loads(message), streams
                self._reports[process] = report
                for stream in streams:
                    os.close(stream)
                self._requests.send(str(process).encode())

    def _report_ends(self):
        for process in list(self._reports):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                report = self._reports.pop(process)
                code = os.waitstatus_to_exitcode(status)
                with contextlib.suppress(BrokenPipeError):  # Nobody waits.
                    os.write(report, str(code).encode())
                os.close(report)

    def _kill_all(self):
        for process in self._reports:
            os.kill(process, signal.SIGKILL)
        os._exit(0)

    def _forget(self):
        """Leaves a fork nothing of the server's signals and files."""
        waking = signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._requests.close()
        for file in (self._woken, waking, *self._reports.values()):
            os.close(file)


def settle(program, arguments, environment, folder, new_session, cores):
    """Sets up this process as the program's own start would have done."""
    if new_session:
        os.setsid()
    if cores:
        os.sched_setaffinity(0, cores)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # Processes that the program spawns begin in this folder.
    multiprocessing.process.ORIGINAL_DIR = folder
    sys.argv = [program, *arguments]
    sys.path[:] = [os.path.dirname(os.path.realpath(program)), *PATH]
    sys.stdout.reconfigure(line_buffering=os.isatty(1))


def main_module(program):
    """Returns the module `__main__` of a program and its code."""
    module = types.ModuleType("__main__")
    module.__file__ = program
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    with io.open_code(program) as file:
        return module, compile(file.read(), program, "exec")


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # The forks then share more of the memory.
    request, streams = ProgramServer(
        socket.socket(fileno=int(sys.argv[1]))
    ).next_program()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    settle(**request)
    server = sys.modules["__main__"]  # Kept, as its names are in use.
    main, code = main_module(request["program"])
    exec(code, main.__dict__)
