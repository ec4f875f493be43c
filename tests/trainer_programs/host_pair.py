"""Two processes that run train.py as two hosts on this machine."""

import contextlib
import json
import signal
import socket

from support.programs import as_flags
from support.programs import start_program

CHIEF, OTHER = 0, 1
LONGEST = 300  # seconds, after which something hangs


def tf_config():
    """Each host's environment: they are told two ports that are free."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in sockets]
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    tasks = [{"type": "worker", "index": index} for index in (CHIEF, OTHER)]
    return [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
        for task in tasks
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
        command = ["train.py", "--strategy=multi_host", *as_flags(flags)]
        self._errors = [folder / f"stderr-{i}" for i in (CHIEF, OTHER)]
        self._lines = ["", ""]
        self._processes = []
        for path, added in zip(self._errors, environments, strict=True):
            with open(path, "w") as errors:
                self._processes.append(
                    start_program(*command, env=added, stderr=errors)
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
