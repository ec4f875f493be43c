"""What a training step takes, next to the products that it cannot avoid.

    python benchmarks/training_step.py --setting=kinetics

times forward (without dropout), forward and backward, and the whole step of
attention clusters, as `trainers/train.py` takes it, at a setting of
`benchmarks/peers`. The floor is what TensorFlow on this machine is not without:
the classifier's product, the three products of its gradients, and one pass of
the update over its weight, gradient and slots (timed as plain descent, which
reads two arrays and writes one, times 5 / 3 for RMSProp). Products are those of
`tf.matmul`; the second floor has the gradients' as `WideDense` takes them.

The first table adds one measure after the other, all ways in turns in one
process. The second sets the package beside others, each in a process of its
own: a loop over units, two replicas, the JAX backend, PyTorch and PaddlePaddle,
where they are installed. Figures are medians in milliseconds.
"""

import dataclasses
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import keras
from absl import app
from absl import flags
from absl import logging

from own_clusters import Measures
from own_clusters import OwnClusters
from peers.setting import MODES
from peers.setting import SETTINGS
from peers.setting import draw_batch
from report import Report
from step_floor import Floor

PEERS = {  # names, and the package that a peer needs
    "own": ("ac_keras", None),
    "two_replicas": ("ac_keras, two replicas on these cores", None),
    "jax": ("ac_keras on JAX", "jax"),
    "plain": ("plain Keras, batched units", None),
    "loop": ("plain Keras, loop over units", None),
    "torch": ("PyTorch, batched units", "torch"),
    "torch_compiled": ("PyTorch, torch.compile", "torch"),
    "torch_loop": ("PyTorch, loop over units", "torch"),
    "paddle": ("PaddlePaddle, batched units", "paddle"),
    "paddle_loop": ("PaddlePaddle, loop over units", "paddle"),
}
IN_FLOAT32 = ("torch", "paddle")  # only, here
WORKER = pathlib.Path(__file__).with_name("step_worker.py")
GOALS = {"forward": 1.3, "step": 1.3}  # times the floor
LOOP_GOAL = 3.0  # the loop's step in ours

_SETTING = flags.DEFINE_enum("setting", "kinetics", SETTINGS, "Its sizes.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds.", lower_bound=1)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy", "float32", ["float32", "mixed_bfloat16"], "Of the layers."
)
_MEASURES = flags.DEFINE_bool(
    "measures", True, "Whether to add one after the other; takes much memory."
)
_PEERS = flags.DEFINE_list("peers", list(PEERS), "Others to time; may be none.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def make_ways(setting) -> dict:
    """Makes the package's step without and with each measure."""
    measures = dict.fromkeys(
        [x.name for x in dataclasses.fields(Measures)], False
    )
    ways = {"plain": Measures(**measures)}
    for name in measures:
        measures[name] = True
        ways[f"+ {name.replace('_', ' ')}"] = Measures(**measures)
    batch = draw_batch(setting, seed=0)
    for name, chosen in ways.items():
        ways[name] = OwnClusters(setting, 0, chosen)
        ways[name].load_batch(*batch)
    return ways


def measure(ways: dict, rounds: int) -> dict[str, dict[str, float]]:
    """Gives the median milliseconds of each way and mode, in turns."""
    found = {name: {mode: [] for mode in MODES} for name in ways}
    for index in range(rounds + 1):
        for name, way in ways.items():
            for mode in MODES:
                start = time.perf_counter()
                getattr(way, mode)()
                if index:
                    spent = time.perf_counter() - start
                    found[name][mode].append(1000 * spent)
    return {name: medians(modes) for name, modes in found.items()}


def medians(modes: dict[str, list[float]]) -> dict[str, float]:
    return {mode: statistics.median(x) for mode, x in modes.items()}


def measure_peers(names: list[str], policy: str) -> dict[str, dict]:
    """Gives the medians of peers that are installed, and their memory."""
    found = {}
    for name in names:
        _, package = PEERS[name]
        if package and importlib.util.find_spec(package) is None:
            continue
        if policy != "float32" and package in IN_FLOAT32:
            continue
        backend = "jax" if name == "jax" else "tensorflow"
        result = subprocess.run(
            [
                *(sys.executable, str(WORKER), f"--way={name}"),
                *(f"--setting={_SETTING.value}", f"--dtype_policy={policy}"),
            ],
            env={**os.environ, "KERAS_BACKEND": backend},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        line = json.loads(result.stdout.splitlines()[-1])
        found[name] = medians(line["milliseconds"])
        found[name]["peak_mib"] = line["peak_mib"]
    return found


def tabulate(report, caption, rows, floor, memory=False):
    """Adds a table of milliseconds, each with its share of the floor."""
    header = ["way", *MODES]
    lines = [
        [name, *(f"{row[x]:.1f} ({row[x] / floor[x]:.2f})" for x in MODES)]
        for name, row in rows.items()
    ]
    if memory:
        header.append("peak, MiB")
        for line, row in zip(lines, rows.values(), strict=True):
            line.append(f"{row['peak_mib']:.0f}")
    report.add_table(caption, header, lines)


def add_goals(report, own, floor, peers):
    """Sets the Kinetics figures beside their goals."""
    policy = _DTYPE_POLICY.value
    if policy == "float32":
        for mode, limit in GOALS.items():
            report.add_goal(
                f"Kinetics {mode}, times its float32 floor",
                own[mode] / floor[mode],
                limit,
            )
    else:
        single = measure_peers(["own"], "float32")["own"]
        report.add_goal(
            "Kinetics step in bfloat16, times the same in float32",
            peers["own"]["step"] / single["step"],
            1.0,
        )
    for name, row in peers.items():
        if name in ("own", "two_replicas", "jax"):
            continue
        limit = LOOP_GOAL if name == "loop" else 1.0
        ratio = row["step"] / peers["own"]["step"]
        what = f"Kinetics step, {policy}: {PEERS[name][0]}, times ours"
        report.add_goal(what, ratio, limit, at_most=False)


def main(argv):
    del argv
    logging.set_verbosity(logging.ERROR)
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    setting, cores = SETTINGS[_SETTING.value], len(os.sched_getaffinity(0))
    title = f"Step: {_SETTING.value}, {_DTYPE_POLICY.value}"
    about = " ".join(__doc__.split("\n\n")[2].split())
    report = Report(title, f"The program {about}")
    peers = measure_peers(_PEERS.value, _DTYPE_POLICY.value)
    floors = {
        "floor": Floor(setting),
        "floor, gradients in batches of one": Floor(setting, in_batches=True),
    }
    ways = make_ways(setting) if _MEASURES.value else {}
    found = measure({**floors, **ways}, _ROUNDS.value)
    for name, limit in floors.items():
        limit.add_passes(found[name])
    floor = found["floor"]
    caption = f"Milliseconds (times the floor), {cores} cores, one process"
    tabulate(report, caption, found, floor)
    if peers:
        caption = "Milliseconds (times the same floor), a process each"
        rows = {PEERS[name][0]: row for name, row in peers.items()}
        tabulate(report, caption, rows, floor, memory=True)
    if _SETTING.value == "kinetics" and "own" in peers:
        own = list(found.values())[-1] if ways else peers["own"]
        add_goals(report, own, floor, peers)
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
