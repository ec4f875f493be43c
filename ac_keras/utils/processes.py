"""Processes that work for this one and end with it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess


def start_worker(target: Callable[..., None], *arguments) -> BaseProcess:
    """Starts a process in a fresh interpreter, which Ctrl-C does not reach.

    A terminal sends that to all processes; it is the parent that stops its
    workers, even those that are still importing.

    Args:
        target: What the process runs; it calls `end_with_parent` first.
        *arguments: Its arguments.
    """
    # A fork of a process that runs TensorFlow may hang.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=target, args=arguments)
    resource_tracker.ensure_running()  # Its own start would lift the block.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def end_with_parent() -> None:
    """Sends this worker SIGTERM when the process that started it is gone."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent():
    multiprocessing.parent_process().join()
    os.kill(os.getpid(), signal.SIGTERM)


class StopSignal:
    """Notes SIGTERM and the first Ctrl-C while its block runs.

    The run then saves where it is and ends. A second Ctrl-C ends it at once.

    Attributes:
        received: The signal's name, or None.
    """

    def __init__(self):
        self.received = None

    def __enter__(self) -> "StopSignal":
        """Starts to listen."""
        self._before = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *exception):
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name
