"""Times a training step and compares it with its lower bound and with others.

    python benchmarks/training_step.py --setting=kinetics

times forward (without dropout), forward and backward, and the whole step of
attention clusters, as `trainers/train.py` takes it, at a setting of
`benchmarks/peers`. The lower bound is the time of the classifier's product, of
the three products of its gradients, and of one pass of the update over its
weight, gradient and slots (timed as plain descent, which reads two arrays and
writes one, times 5 / 3 for RMSProp). Products are those of `tf.matmul`; the
second lower bound computes the gradients as `WideDense` does.

The first table adds one optimization after the other, all in turns in one
process. The second compares other implementations, each in a new process: a
loop over units, two replicas, the JAX backend, and PyTorch and PaddlePaddle
where they are installed. Values are medians in milliseconds.
"""

import dataclasses
import os
import statistics

import keras
import tensorflow as tf
from absl import flags

from measurement import program
from measurement.timing import time_in_turns
from peers import step_worker
from peers.own_clusters import Measures
from peers.own_clusters import OwnClusters
from peers.setting import MODES
from peers.setting import SETTINGS
from peers.setting import Setting
from peers.setting import draw_batch
from peers.step_worker import WAYS

FLOAT32_ONLY = ("torch", "paddle")
GOALS = {"forward": 1.3, "step": 1.3}  # times the lower bound
LOOP_GOAL = 3.0  # step of the loop, times the package's
# Passes of an update over an array of the weight's size: it reads weight,
# gradient and slots, and writes all but the gradient. Plain descent makes 3.
PASSES = {"rmsprop": 5, "adam": 7}
DESCENT_PASSES = 3

_SETTING = flags.DEFINE_enum("setting", "kinetics", SETTINGS, "Model sizes.")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "Rounds.", lower_bound=1)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy",
    "float32",
    ["float32", "mixed_bfloat16"],
    "Dtype policy of the layers.",
)
_MEASURES = flags.DEFINE_bool(
    "measures", True, "Add one optimization after the other; needs much memory."
)
_PEERS = flags.DEFINE_list(
    "peers", list(WAYS), "Implementations to compare; may be empty."
)


class LowerBound:
    """The classifier's products and a pass of the update, which are timed.

    Args:
        setting: Sizes and training.
        in_batches: Whether to compute the gradients in a batch of one, which
            is faster in TensorFlow.
    """

    def __init__(self, setting: Setting, in_batches: bool = False):
        self._in_batches = in_batches
        batch, width = setting.batch_size, setting.width
        dtype = keras.config.dtype_policy().compute_dtype
        shape = (width, setting.num_classes)
        self._x = tf.cast(tf.random.normal((batch, width)), dtype)
        self._y = tf.cast(tf.random.normal((batch, shape[1])), dtype)
        self._weight = tf.Variable(tf.fill(shape, 0.01))
        self._kernel = tf.cast(self._weight, dtype)
        self._slope = tf.fill(shape, 1.0)
        self._passes = PASSES[setting.optimizer] / DESCENT_PASSES
        self._forward = tf.function(lambda: tf.matmul(self._x, self._kernel))
        self._gradients = tf.function(self._products)
        self._descent = tf.function(self._descend)

    def forward(self):
        """Computes the classifier's product."""
        self._run(self._forward)

    def gradients(self):
        """Computes the product and the products of its gradients."""
        self._run(self._gradients)

    def step(self):
        """Takes a step of plain descent; see `add_passes`."""
        self._run(self._descent)

    def add_passes(self, medians: dict[str, float]):
        """Replaces the time of descent by that of a whole step."""
        passes = medians["step"] * self._passes
        medians["step"] = medians["gradients"] + passes

    def _products(self):
        x, y, kernel = self._x, self._y, self._kernel
        product = tf.matmul(x, kernel)
        if self._in_batches:
            x, y, kernel = x[None], y[None], kernel[None]
        of_kernel = tf.matmul(x, y, transpose_a=True)
        return product, of_kernel, tf.matmul(y, kernel, transpose_b=True)

    def _descend(self):
        tf.raw_ops.ResourceApplyGradientDescent(
            var=self._weight.handle, alpha=1e-6, delta=self._slope
        )

    def _run(self, function):
        function()
        tf.test.experimental.sync_devices()


def make_ways(setting) -> dict:
    """Returns the package's step without and with each optimization."""
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
    """Returns the median milliseconds of each way by mode."""
    functions = {
        (name, mode): getattr(way, mode)
        for name, way in ways.items()
        for mode in MODES
    }
    found = {name: {} for name in ways}
    for (name, mode), seconds in time_in_turns(functions, rounds).items():
        found[name][mode] = 1000 * statistics.median(seconds)
    return found


def measure_peers(names: list[str], policy: str) -> dict[str, dict]:
    """Returns the medians and the memory of the peers that are installed."""
    found = {}
    for name in filter(step_worker.is_installed, names):
        if policy != "float32" and WAYS[name].package in FLOAT32_ONLY:
            continue
        result = step_worker.run(
            name,
            backend="jax" if name == "jax" else "tensorflow",
            setting=_SETTING.value,
            dtype_policy=policy,
        )
        milliseconds = result.pop("milliseconds")
        medians = {k: statistics.median(x) for k, x in milliseconds.items()}
        found[name] = {**medians, **result}
    return found


def tabulate(report, caption, rows, bound, memory=False):
    """Adds a table of milliseconds and their ratios to the lower bound."""
    header = ["way", *MODES]
    lines = [
        [name, *(f"{row[x]:.1f} ({row[x] / bound[x]:.2f})" for x in MODES)]
        for name, row in rows.items()
    ]
    if memory:
        header.append("peak, MiB")
        for line, row in zip(lines, rows.values(), strict=True):
            line.append(f"{row['peak_mib']:.0f}")
    report.add_table(caption, header, lines)


def add_goals(report, own, bound, peers):
    """Adds the goals of the Kinetics setting."""
    policy = _DTYPE_POLICY.value
    if policy == "float32":
        for mode, limit in GOALS.items():
            report.add_goal(
                f"Kinetics {mode}, times the float32 lower bound",
                own[mode] / bound[mode],
                limit,
            )
    else:
        single = measure_peers(["own"], "float32")["own"]
        report.add_goal(
            "Kinetics step in bfloat16, times the step in float32",
            peers["own"]["step"] / single["step"],
            1.0,
        )
    for name, row in peers.items():
        if name in ("own", "two_replicas", "jax"):
            continue
        limit = LOOP_GOAL if name == "loop" else 1.0
        ratio = row["step"] / peers["own"]["step"]
        goal = f"Kinetics step, {policy}: {WAYS[name].title}, times ac_keras"
        report.add_goal(goal, ratio, limit, at_most=False)


def main(report):
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    setting, cores = SETTINGS[_SETTING.value], len(os.sched_getaffinity(0))
    peers = measure_peers(_PEERS.value, _DTYPE_POLICY.value)
    bounds = {
        "lower bound": LowerBound(setting),
        "lower bound, gradients in batches of one": LowerBound(
            setting, in_batches=True
        ),
    }
    ways = make_ways(setting) if _MEASURES.value else {}
    found = measure({**bounds, **ways}, _ROUNDS.value)
    for name, lower in bounds.items():
        lower.add_passes(found[name])
    bound = found["lower bound"]
    caption = "Milliseconds (times the lower bound)"
    tabulate(report, f"{caption}, {cores} cores, one process", found, bound)
    if peers:
        caption = "Milliseconds (times the same lower bound), one process each"
        rows = {WAYS[name].title: row for name, row in peers.items()}
        tabulate(report, caption, rows, bound, memory=True)
    if _SETTING.value == "kinetics" and "own" in peers:
        own = list(found.values())[-1] if ways else peers["own"]
        add_goals(report, own, bound, peers)


if __name__ == "__main__":
    program.run(main)
