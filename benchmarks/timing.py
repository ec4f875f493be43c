"""Times and memory of functions and processes."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping


def time_in_turns(
    functions: Mapping[str, Callable], rounds: int
) -> dict[str, list[float]]:
    """Times functions in turns, after a first turn that is not counted.

    Returns:
        The seconds of every round, lists by the functions' names.
    """
    seconds = {name: [] for name in functions}
    for index in range(rounds + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if index:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def median_ratio(values: list[float], others: list[float]) -> float:
    """Returns the median over rounds of the ratio within a round."""
    pairs = zip(values, others, strict=True)
    return statistics.median(x / y for x, y in pairs)


def memory_mib(name: str) -> float:
    """Reads a line of this process's status, in MiB (Linux only).

    Args:
        name: `"VmRSS"` for the resident memory or `"VmHWM"` for its peak.
            `getrusage` starts from the peak of the parent process.
    """
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def run_worker(file: str | os.PathLike, *arguments: str, **environ: str):
    """Runs a program that prints JSON and returns its last line, decoded."""
    result = subprocess.run(
        [sys.executable, file, *arguments],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])
