"""Programs started by tests, which find the same `ac_keras`."""

import os
import pathlib
import subprocess
import sys

import ac_keras

ROOT = pathlib.Path(ac_keras.__file__).absolute().parents[1]


def environment(**changes):
    """Ours, with the folder of `ac_keras` on the path."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "PYTHONPATH": path, **changes}


def start(program, *arguments, **kwargs):
    """Starts a Python program with pipes to and from it."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, str(program), *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment(), **{"text": True, **pipes, **kwargs}
    )
