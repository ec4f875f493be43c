"""What checkpoints cost of a training epoch's time.

    python benchmarks/checkpoint_cost.py

Steps on one batch at the Flash-MNIST and Kinetics settings are taken in blocks:
after nothing, after a checkpoint as the trainer writes it, after the best
epoch's weights, and after a plain write of a checkpoint's bytes, which is the
floor. Blocks take turns in one process. What is saved costs the time of the
call and what the block after it takes longer than one after nothing.
"""

import dataclasses
import functools
import inspect
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
from peers.setting import FLASH_MNIST
from peers.setting import KINETICS
from peers.setting import Setting
from peers.setting import draw_batch
from report import Report

from ac_keras import cluster_classifier
from ac_keras.training import RunState
from ac_keras.training import Trainer
from ac_keras.training import UpdateStep
from ac_keras.training import keras_files


@dataclasses.dataclass(frozen=True)
class Run:
    """A full-size run: its sizes, its clips, and steps to take in a block."""

    setting: Setting
    num_clips: int
    block: int

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.num_clips // self.setting.batch_size


UCF101 = dataclasses.replace(
    KINETICS,
    num_frames=15,
    modalities={"rgb": (1536, 64), "flow": (1536, 32)},
    num_classes=101,
)
RUNS = {
    "Flash-MNIST": Run(FLASH_MNIST, 92_160, 20),
    "UCF-101": Run(UCF101, 9_537, 6),
    "Kinetics": Run(KINETICS, 246_000, 3),
}
CALLS = ("nothing", "checkpoint", "best weights", "plain write")
SIGNATURE = inspect.signature(Trainer).parameters
BETWEEN = SIGNATURE["checkpoint_seconds"].default
LIMIT = 2  # percent of the time
LEAST_ROUNDS = 3
now = time.perf_counter

_RUNS = flags.DEFINE_list("runs", list(RUNS), "What to train.")
_SECONDS = flags.DEFINE_float(
    "seconds", 7, "Seconds of rounds a run.", lower_bound=0
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


def add_figures(report: Report, name: str, run: Run, folder: pathlib.Path):
    """Measures a run and adds its table and its goal."""
    mebibytes, spent, after = measure(run, folder)
    step = statistics.median(after["nothing"]) / run.block
    epoch = step * run.steps
    often = {"checkpoint": 1 + int(epoch // BETWEEN), "best weights": 1}
    rows, shares = [], {}
    for what in CALLS[1:]:
        call = statistics.median(spent[what])
        pairs = zip(after[what], after["nothing"], strict=True)
        later = statistics.median(x - y for x, y in pairs)
        row = [what, f"{1000 * call:,.0f}", f"{1000 * later:+,.0f}", "", ""]
        if what in often:
            cost = often[what] * max(call + later, call)
            shares[what] = 100 * cost / (epoch + cost)
            row[3:] = [often[what], f"{shares[what]:.2f}"]
        rows.append(row)
    report.add_table(
        f"{name}: an epoch of {run.steps:,} steps of {1000 * step:.1f} ms is "
        f"{epoch:,.0f} s; a checkpoint is {mebibytes:,.0f} MiB. Medians of "
        f"{len(spent['nothing'])} rounds",
        [
            "what is written",
            "call, ms",
            f"{run.block} steps after it, ms more",
            "times an epoch",
            "% of the time",
        ],
        rows,
    )
    text = f"{name}: checkpoints, % of the training time"
    report.add_goal(text, shares["checkpoint"], LIMIT)


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    report = Report(
        "Checkpoints",
        "What a checkpoint costs of the training time at full size, without "
        "evaluation: one at every epoch's end and one after every "
        f"{BETWEEN / 60:g} minutes within it, the default; and the weights of "
        "an epoch that is the best so far. Steps are taken on one batch, after "
        "a call and after none in turns; a cost is the call's and what the "
        "steps after it take longer. The floor is a plain write of a "
        "checkpoint's bytes.",
    )
    for name in _RUNS.value:
        with tempfile.TemporaryDirectory() as folder:
            add_figures(report, name, RUNS[name], pathlib.Path(folder))
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
