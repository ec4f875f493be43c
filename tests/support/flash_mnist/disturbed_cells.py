"""Cells in processes of their own, and what is done to them meanwhile."""

import multiprocessing
import os
import signal
import threading

from support.flash_mnist import tiny_cells
from workers import run_cells


class Ends:
    """Notes how cells end, and how many others were running then."""

    def __init__(self):
        self.states, self.others = {}, []

    def __call__(self, cell, state):
        self.states[cell] = state
        self.others.append(len(multiprocessing.active_children()))


def run(jobs, manifest, root, num_workers=1):
    """Runs cells and gives whether all are done, and their ends."""
    ends = Ends()
    done = run_cells(jobs, manifest.directory, root, num_workers, ends)
    return done, ends


class SignalWhen(threading.Thread):
    """Sends a signal as soon as something is seen in a folder.

    As a block around `run`, whose end it does not outlive.

    Args:
        number: The signal.
        condition: Called again and again, until it is true.
        pid: Gives the process to send it to.
    """

    def __init__(self, number, condition, pid):
        super().__init__(daemon=True)
        self.number, self.condition, self.pid = number, condition, pid
        self.sent, self._over = False, threading.Event()

    def run(self):
        while not self.condition():
            if self._over.wait(0.002):
                return
        os.kill(self.pid(), self.number)
        self.sent = True

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self.join()
        assert self.sent or exception[0]


def kill_worker_at(folder, epochs):
    """Kills the only cell that runs once it has done so many epochs."""

    def pid():
        (worker,) = multiprocessing.active_children()
        return worker.pid

    return SignalWhen(signal.SIGKILL, is_past(folder, epochs), pid)


def stop_sweep_at(folder, epochs):
    """Sends this process SIGTERM, which is the sweep's."""
    return SignalWhen(signal.SIGTERM, is_past(folder, epochs), os.getpid)


def is_past(folder, epochs):
    return lambda: tiny_cells.num_epochs(folder) >= epochs
