"""What checkpoints cost of a training epoch's time.

    python benchmarks/checkpoint_cost.py

Steps on one batch at the Flash-MNIST and Kinetics settings are taken in blocks:
after nothing, after a checkpoint as the trainer writes it, after the best
epoch's weights, and after a plain write of a checkpoint's bytes, which is the
floor. Blocks take turns in one process. What is saved costs the time of the
call and what the block after it takes longer than one after nothing.
"""

import functools
import inspect
import math
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import cluster_classifier
from ac_keras.training import RunState
from ac_keras.training import Trainer
from ac_keras.training import UpdateStep
from ac_keras.training.checkpoints import PAUSE
from ac_keras.utils import keras_files
from full_runs import RUNS
from full_runs import Run
from peers.setting import Setting
from peers.setting import draw_batch
from report import Report

CALLS = ("nothing", "plain write", "checkpoint", "best weights")
BOTH = "checkpoint and best weights"
SIGNATURE = inspect.signature(Trainer).parameters
BETWEEN = SIGNATURE["checkpoint_seconds"].default
LIMIT = 2  # percent of the time
LEAST_ROUNDS = 3
now = time.perf_counter

_RUNS = flags.DEFINE_list("runs", list(RUNS), "What to train.")
_SECONDS = flags.DEFINE_float(
    "seconds", 5, "Seconds of rounds a run.", lower_bound=0
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def make_training(setting: Setting):
    """Gives the model, its step, and the variables of its checkpoints."""
    keras.utils.set_random_seed(0)
    model = cluster_classifier(
        {name: dim for name, (dim, _) in setting.modalities.items()},
        {name: units for name, (_, units) in setting.modalities.items()},
        setting.num_classes,
        dropout=setting.dropout,
    )
    features, labels = draw_batch(setting, seed=0)
    count = np.full(setting.batch_size, setting.num_frames, np.int32)
    features |= {f"{name}_num_frames": count for name in features}
    batch = tf.nest.map_structure(tf.constant, (features, labels))
    update = UpdateStep(
        model,
        keras.optimizers.get(setting.optimizer),
        clip_norm=setting.clip_norm,
    )
    step = tf.function(lambda: update(*batch, setting.batch_size)[0])
    return model, step, [x.value for x in model.variables] + update.variables


def write_plainly(path: pathlib.Path, content: bytes) -> None:
    """Replaces a file."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


def measure(run: Run, folder: pathlib.Path):
    """Saves and trains in turns.

    Returns:
        The mebibytes of a checkpoint; the seconds of each round's calls and of
        the blocks after them, lists by name in `CALLS`.
    """
    model, step, variables = make_training(run.setting)
    state = RunState(folder / "checkpoints", variables)
    content = b"".join(x.numpy().tobytes() for x in variables)
    calls = dict.fromkeys(CALLS, lambda: None)
    calls["checkpoint"] = state.save
    calls["best weights"] = functools.partial(
        keras_files.save_weights, model, folder / "best.weights.h5"
    )
    calls["plain write"] = functools.partial(
        write_plainly, folder / "plain", content
    )
    spent = {name: [] for name in CALLS}
    after = {name: [] for name in CALLS}
    end = None
    while end is None or len(spent["nothing"]) < LEAST_ROUNDS or now() < end:
        for name, call in calls.items():
            start = now()
            call()
            called = now()
            for _ in range(run.block):
                step().numpy()
            if end is not None:
                spent[name].append(called - start)
                after[name].append(now() - called)
        end = end or now() + _SECONDS.value  # after a round that traced
    return len(content) / 2**20, spent, after


def saves_an_epoch(epoch: float, cost: float) -> float:
    """Gives how often the trainer saves that takes such seconds."""
    if epoch > BETWEEN:
        return 1 + epoch // BETWEEN
    return 1 / math.ceil(min(BETWEEN, PAUSE * cost) / epoch)


def add_figures(report: Report, name: str, run: Run, folder: pathlib.Path):
    """Measures a run and adds its table and its goal."""
    mebibytes, spent, after = measure(run, folder)
    step = statistics.median(after["nothing"]) / run.block
    epoch = step * run.steps
    call = {x: statistics.median(spent[x]) for x in CALLS}
    later = {}
    for what in CALLS:
        pairs = zip(after[what], after["nothing"], strict=True)
        later[what] = statistics.median(x - y for x, y in pairs)
    call[BOTH] = call["checkpoint"] + call["best weights"]
    later[BOTH] = later["checkpoint"] + later["best weights"]
    often = saves_an_epoch(epoch, call[BOTH])
    rows, shares = [], {}
    for what in [*CALLS[1:], BOTH]:
        cost = max(call[what] + later[what], call[what])
        shares[what] = [
            100 * times * cost / (epoch + times * cost)
            for times in (often, max(often, 1))
        ]
        cells = [f"{1000 * call[what]:,.0f}", f"{1000 * later[what]:+,.0f}"]
        rows.append([what, *cells, *(f"{x:.2f}" for x in shares[what])])
    report.add_table(
        f"{name}: an epoch of {run.steps:,} steps of {1000 * step:.1f} ms is "
        f"{epoch:,.1f} s and is saved {often:.2g} times; a checkpoint is "
        f"{mebibytes:,.0f} MiB. Medians of {len(spent['nothing'])} rounds",
        [
            "what is written",
            "call, ms",
            f"{run.block} steps after it, ms more",
            "% of the time",
            "% if every epoch is saved",
        ],
        rows,
    )
    text = f"{name}: {BOTH}, % of the training time"
    report.add_goal(text, shares[BOTH][0], LIMIT)


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    report = Report(
        "Checkpoints",
        "What a checkpoint and the weights of the best epoch so far cost of "
        "the training time at full size, without evaluation, if every epoch "
        f"is the best. The trainer saves every {BETWEEN / 60:g} minutes and at "
        f"an epoch's end, but not before {PAUSE} times what saving takes are "
        "over; the last column is without that pause. Steps are taken on one "
        "batch, after a call and after none in turns; a cost is the call's and "
        "what the steps after it take longer. The floor is a plain write of a "
        "checkpoint's bytes.",
    )
    for name in _RUNS.value:
        with tempfile.TemporaryDirectory() as folder:
            add_figures(report, name, RUNS[name], pathlib.Path(folder))
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
