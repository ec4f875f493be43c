"""Measures the share of a training epoch's time that checkpoints take.

    python benchmarks/checkpoint_cost.py

takes training steps on one batch at the settings of full-size runs, in blocks:
after nothing, after a checkpoint of the trainer, after saving the weights of
the best epoch, and after a plain write of a checkpoint's bytes, the lower
bound. Blocks take turns in one process. The cost of a save is the time of the
call plus the extra time of the block after it. Every epoch is assumed to be
the best.
"""

import dataclasses
import inspect
import math
import operator
import pathlib
import statistics
import tempfile

import keras
import tensorflow as tf
from absl import flags

from ac_keras import cluster_classifier
from ac_keras.training import RunState
from ac_keras.training import Trainer
from ac_keras.training.checkpoints import PAUSE
from ac_keras.utils import keras_files
from measurement import program
from measurement.report import Report
from measurement.timing import time_in_turns
from peers.own_clusters import make_features
from peers.own_clusters import make_update
from peers.setting import FLASH_MNIST
from peers.setting import KINETICS
from peers.setting import Setting
from peers.setting import draw_batch

CALLS = ("nothing", "plain write", "checkpoint", "best weights")
BOTH = "checkpoint and best weights"
SIGNATURE = inspect.signature(Trainer).parameters
BETWEEN = SIGNATURE["checkpoint_seconds"].default
LIMIT = 2  # percent of the time
MIN_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Run:
    """A full-size run: its sizes, clips, and the steps of a block."""

    setting: Setting
    num_clips: int
    block: int

    @property
    def steps(self) -> int:
        """Steps per epoch."""
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

_RUNS = flags.DEFINE_list("runs", list(RUNS), "Runs to measure.")
_SECONDS = flags.DEFINE_float(
    "seconds", 5, "Seconds of rounds per run.", lower_bound=0
)


def make_training(setting: Setting):
    """Returns the model, its step, and the variables of its checkpoints."""
    keras.utils.set_random_seed(0)
    model = cluster_classifier(*setting.sizes, dropout=setting.dropout)
    features, labels = draw_batch(setting, seed=0)
    batch = make_features(setting, features), tf.constant(labels)
    update = make_update(setting, model, seed=0)
    step = tf.function(lambda: update(*batch, setting.batch_size)[0])
    return model, step, [x.value for x in model.variables] + update.variables


def measure(run: Run, folder: pathlib.Path):
    """Saves and trains in turns.

    Returns:
        The size of a checkpoint in MiB, and lists over rounds of the seconds
        of the calls in `CALLS`, `(name, "call")`, and of the blocks after
        them, `(name, "block")`.
    """
    model, step, variables = make_training(run.setting)
    state = RunState(folder / "checkpoints", variables)
    content = b"".join(x.numpy().tobytes() for x in variables)
    best, plain = folder / "best.weights.h5", folder / "plain"

    def write_plainly():
        plain.with_suffix(".partial").write_bytes(content)
        plain.with_suffix(".partial").replace(plain)

    calls = (
        lambda: None,
        write_plainly,
        state.save,
        lambda: keras_files.save_weights(model, best),
    )

    def train():
        for _ in range(run.block):
            step().numpy()

    functions = {}
    for name, call in zip(CALLS, calls, strict=True):
        functions |= {(name, "call"): call, (name, "block"): train}
    found = time_in_turns(
        functions, seconds=_SECONDS.value, min_rounds=MIN_ROUNDS
    )
    return len(content) / 2**20, found


def saves_an_epoch(epoch: float, cost: float) -> float:
    """Returns the number of saves per epoch, for seconds of epoch and save."""
    if epoch > BETWEEN:
        return 1 + epoch // BETWEEN
    return 1 / math.ceil(min(BETWEEN, PAUSE * cost) / epoch)


def add_run(report: Report, name: str, run: Run, folder: pathlib.Path):
    """Measures a run and adds its table and its goal."""
    mebibytes, found = measure(run, folder)
    alone = found["nothing", "block"]
    step = statistics.median(alone) / run.block
    epoch = step * run.steps
    call = {x: statistics.median(found[x, "call"]) for x in CALLS}
    later = {
        x: statistics.median(map(operator.sub, found[x, "block"], alone))
        for x in CALLS
    }
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
    header = ["written", "call, ms", f"next {run.block} steps, extra ms"]
    header += ["% of the time", "% if every epoch is saved"]
    report.add_table(
        f"{name}: an epoch has {run.steps:,} steps of {1000 * step:.1f} ms, "
        f"takes {epoch:,.1f} s and is saved {often:.2g} times; a checkpoint is "
        f"{mebibytes:,.0f} MiB. Medians of {len(alone)} rounds",
        header,
        rows,
    )
    text = f"{name}: {BOTH}, % of the training time"
    report.add_goal(text, shares[BOTH][0], LIMIT)


def main(report):
    for name in _RUNS.value:
        with tempfile.TemporaryDirectory() as folder:
            add_run(report, name, RUNS[name], pathlib.Path(folder))


if __name__ == "__main__":
    program.run(main)
