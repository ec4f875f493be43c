"""Times and memory of functions and processes."""

import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Mapping


def time_in_turns(
    functions: Mapping[Hashable, Callable],
    rounds: float = math.inf,
    seconds: float = math.inf,
    min_rounds: int = 1,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Hashable, list[float]]:
    """Times functions in turns.

    Args:
        functions: Functions by name.
        rounds: Calls of each function.
        seconds: Seconds after which no further round begins.
        min_rounds: Rounds that are made even so.
        warm_up: Rounds before, which are not counted.
        clock: Function that returns the time in seconds.

    Returns:
        The seconds of every round, lists by the functions' names.
    """
    for _ in range(warm_up):
        for function in functions.values():
            function()
    spent = {name: [] for name in functions}
    count, end = 0, clock() + seconds
    while count < min_rounds or count < rounds and clock() < end:
        for name, function in functions.items():
            start = clock()
            function()
            spent[name].append(clock() - start)
        count += 1
    return spent


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


def run_worker(*arguments: str, **environ: str):
    """Runs Python with this folder's parent in its path.

    Args:
        *arguments: Arguments of Python; the program prints JSON.
        **environ: Variables of its environment.

    Returns:
        The last line that it prints, decoded.
    """
    folder = str(pathlib.Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [folder, os.getenv("PYTHONPATH")]))
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])
