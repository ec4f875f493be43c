"""Worker processes, and signals that stop a program."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess


def start_worker(target: Callable[..., None], *arguments) -> BaseProcess:
    """Starts a process in a new interpreter that ignores Ctrl-C.

    A terminal sends Ctrl-C to all processes. The parent must stop its workers
    itself, including those that are still importing. The target must call
    `end_with_parent` first.
    """
    # A process forked from one that runs TensorFlow may hang.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=target, args=arguments)
    resource_tracker.ensure_running()  # Starting it later would unblock SIGINT.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def end_with_parent() -> None:
    """Sends this worker SIGTERM when its parent process ends."""

    def wait():
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


class StopSignal:
    """Records SIGTERM and the first Ctrl-C while its block runs.

    The program can then save its state and exit. A second Ctrl-C raises
    KeyboardInterrupt.

    Attributes:
        received: Name of the signal, or None.
    """

    def __init__(self):
        self.received = None

    def __enter__(self) -> "StopSignal":
        """Replaces the signal handlers."""
        self._before = {
            number: signal.signal(number, self._record)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *exception):
        """Restores the signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _record(self, number, frame):
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name
