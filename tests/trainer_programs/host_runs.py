"""Runs of train.py by one process and by two, some of them killed."""

import csv
import signal
import types

import keras
import numpy as np
from host_pair import CHIEF
from host_pair import OTHER
from host_pair import HostPair
from host_pair import tf_config

from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program

# The validation split's 23 clips make 5 batches of 5: one host has 3, the
# other 2, and the last one is not full.
SETTINGS = {
    "num_units": 3,
    "dropout": 0,
    "optimizer": "rmsprop",
    "learning_rate": 0.01,
    "clip_norm": 1,
    "train_frames": 3,
    "batch_size": 10,
    "epochs": 6,
    "best_metric": "last",
}
TIMES = ("seconds", "clips_per_second")


def finished(output_dir, printed=""):
    """What is left of a run that came to its end."""
    with open(output_dir / "epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    model = keras.models.load_model(output_dir / "model.keras")
    return types.SimpleNamespace(
        output_dir=output_dir,
        printed=printed,
        figures={
            name: np.array([float(row[name]) for row in rows])
            for name in rows[0]
            if name not in TIMES
        },
        weights=np.concatenate([x.ravel() for x in model.get_weights()]),
    )


def one_process(data_dir, folder):
    flags = {**SETTINGS, "data_dir": data_dir, "output_dir": folder / "run"}
    folder.mkdir()
    result = run_program("train.py", *as_flags(flags), cwd=folder)
    return finished(folder / "run", output_of(result))


def interrupted_hosts(data_dir, folder):
    """Two hosts that are stopped three times and started again.

    `stops` has, for each stop by its name, both exit statuses and what the
    hosts wrote to their standard errors. Until the last start there is a
    checkpoint after each step.
    """
    flags = {**SETTINGS, "data_dir": data_dir, "output_dir": folder / "run"}
    often = {**flags, "checkpoint_minutes": 0}
    plan = {
        "terminated": ("Epoch 1/", OTHER, signal.SIGTERM),
        "without its chief": ("Epoch 2/", CHIEF, signal.SIGKILL),
        "without the other": ("Epoch 4/", OTHER, signal.SIGKILL),
    }
    stops = {}
    for name, (line, host, number) in plan.items():
        with HostPair(folder, often, tf_config()) as pair:
            pair.wait_for(line)
            pair.send(host, number)
            statuses = [pair.end(host) for host in (CHIEF, OTHER)]
            errors = [pair.error(host) for host in (CHIEF, OTHER)]
            stops[name] = types.SimpleNamespace(status=statuses, error=errors)
    with HostPair(folder, flags, tf_config()) as pair:
        statuses = [pair.end(host) for host in (CHIEF, OTHER)]
        assert statuses == [0, 0], pair.error(CHIEF) + pair.error(OTHER)
        run = finished(folder / "run", pair.printed(CHIEF))
    run.stops = stops
    return run
