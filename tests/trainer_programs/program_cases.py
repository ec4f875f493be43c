"""Runs programs many times over, at the price of one start.

    python program_cases.py CASES.json RESULTS.json

reads a list of [program, argument, ...] with the programs' paths and writes a
list of [exit status, output, errors]. Every case runs as `python PROGRAM
ARGUMENT...` does, in a process of its own: a fork of one that has imported
what the programs import and has done nothing yet.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback

import keras  # noqa: F401
import tensorflow as tf  # noqa: F401

from ac_keras import training  # noqa: F401


def run(program, arguments, output, errors):
    """Becomes the program, in a forked process."""
    os.dup2(output, 1)
    os.dup2(errors, 2)
    sys.argv = [program, *arguments]
    sys.path[0] = os.path.dirname(program)
    status = 0
    try:
        runpy.run_path(program, run_name="__main__")
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        status = error.code if isinstance(error.code, int) else 1
        status = 0 if error.code is None else status
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def start(program, *arguments):
    output, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        run(program, arguments, output.fileno(), errors.fileno())
    return child, output, errors


def read(file):
    file.seek(0)
    return file.read().decode()


def finish(child, output, errors):
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), read(output), read(errors)


def main(cases, results):
    with open(cases) as file:
        cases = json.load(file)
    running, done = [], []
    for case in cases:
        running.append(start(*case))
        if len(running) == 2:
            done.append(finish(*running.pop(0)))
    done += [finish(*x) for x in running]
    with open(results, "w") as file:
        json.dump(done, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
