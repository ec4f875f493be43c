"""Two tasks of one node that find each other by what srun sets."""

import json
import pathlib
import socket

import pytest

from ac_keras.training.distribution import slurm_resolver
from support.programs import start_program
from support.training import slurm_task

pytestmark = pytest.mark.programs

PROGRAM = pathlib.Path(slurm_task.__file__)


def variables(job, place):
    return {
        "SLURM_JOB_ID": str(job),
        "SLURM_STEP_NODELIST": "localhost",
        "SLURM_STEP_TASKS_PER_NODE": "2",
        "SLURM_NODEID": "0",
        "SLURM_LOCALID": str(place),
    }


def is_free(address):
    with socket.socket() as opened:
        host, port = address.split(":")
        try:
            opened.bind((host, int(port)))
        except OSError:
            return False
    return True


def free_job():
    """A job whose ports nobody listens to."""
    for job in range(500):
        spec = slurm_resolver(variables(job, 0)).cluster_spec()
        if all(map(is_free, spec.job_tasks("worker"))):
            return job
    raise AssertionError("no free ports")


def test_tasks_of_slurm_sum_over_both():
    job = free_job()
    tasks = [
        start_program(PROGRAM, env=variables(job, place)) for place in range(2)
    ]
    try:
        printed = [task.communicate(timeout=300) for task in tasks]
    finally:
        for task in tasks:
            task.kill()
    assert [task.returncode for task in tasks] == [0, 0], printed
    found = [json.loads(out.splitlines()[-1]) for out, _ in printed]
    # Its number, whether it is the chief, the hosts, and 10^0 + 10^1.
    assert found == [[0, True, 2, 11.0], [1, False, 2, 11.0]]
