"""Two processes that run train.py as two hosts on this machine."""

import contextlib
import json
import signal
import socket
import subprocess
import sys

from program_runs import TRAINERS
from program_runs import as_flags
from program_runs import environment

CHIEF, OTHER = 0, 1
LONGEST = 300  # seconds, after which something hangs


def free_ports(first=0):
    """Two ports in a row that nobody listens to, from `first` on if given."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(2):
            wanted = found[0] + 1 if found else first
            opened = stack.enter_context(socket.socket())
            try:
                opened.bind(("127.0.0.1", wanted))
            except OSError:
                break
            found.append(opened.getsockname()[1])
    if len(found) == 2:
        return found
    return free_ports(first + 2 if first else 0)


def tf_config():
    """Each host's environment under TF_CONFIG."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports()]}
    tasks = [{"type": "worker", "index": index} for index in (CHIEF, OTHER)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        for task in tasks
    ]


def slurm():
    """Each task's environment, two on one node, as srun sets it."""
    job = free_ports(12000)[0] - 12000
    return [
        {
            "SLURM_JOB_ID": str(job),
            "SLURM_STEP_NODELIST": "localhost",
            "SLURM_STEP_TASKS_PER_NODE": "2",
            "SLURM_NODEID": "0",
            "SLURM_LOCALID": str(index),
        }
        for index in (CHIEF, OTHER)
    ]


class HostPair:
    """Starts both; to be used in a `with` block, which ends them.

    Args:
        folder: Where their standard errors go.
        flags: Flags of train.py.
        environments: What is added to each one's environment.
    """

    def __init__(self, folder, flags, environments):
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            str(TRAINERS / "train.py"),
            "--strategy=multi_host",
            *as_flags(flags),
        ]
        self._errors = [folder / f"stderr-{i}" for i in (CHIEF, OTHER)]
        self._lines = ["", ""]
        self._processes = []
        for path, added in zip(self._errors, environments, strict=True):
            with open(path, "w") as errors:
                self._processes.append(
                    subprocess.Popen(
                        command,
                        env={**environment(), **added},
                        stdout=subprocess.PIPE,
                        stderr=errors,
                        text=True,
                    )
                )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for process in self._processes:
            process.kill()
            process.wait()
            process.stdout.close()

    def wait_for(self, text):
        """Reads what the chief prints up to a line with this text."""
        for line in self._processes[CHIEF].stdout:
            self._lines[CHIEF] += line
            if text in line:
                return
        raise AssertionError(f"no {text!r}: {self.error(CHIEF)}")

    def send(self, host, number=signal.SIGKILL):
        self._processes[host].send_signal(number)

    def end(self, host):
        """Waits for a host and gives its status."""
        printed, _ = self._processes[host].communicate(timeout=LONGEST)
        self._lines[host] += printed
        return self._processes[host].returncode

    def printed(self, host):
        return self._lines[host]

    def error(self, host):
        return self._errors[host].read_text()
