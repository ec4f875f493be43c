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
import importlib.util
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
from peers.peer import Peer
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


class LowerBound(Peer):
    """The classifier's products and a pass of the update, which are timed.

    Its step is one of plain descent; see `add_passes`.

    Args:
        setting: Sizes and training.
        in_batches: Whether to compute the gradients in a batch of one, which
            is faster in TensorFlow.
    """

    def __init__(self, setting: Setting, in_batches: bool = False):
        super().__init__(setting)
        batch, shape = setting.batch_size, (setting.width, setting.num_classes)
        dtype = keras.config.dtype_policy().compute_dtype
        x = tf.cast(tf.random.normal((batch, shape[0])), dtype)
        y = tf.cast(tf.random.normal((batch, shape[1])), dtype)
        weight, slope = tf.Variable(tf.fill(shape, 0.01)), tf.fill(shape, 1.0)
        kernel = tf.cast(weight, dtype)

        def forward():
            return tf.matmul(x, kernel)

        def gradients():
            a, b, c = x, y, kernel
            if in_batches:
                a, b, c = a[None], b[None], c[None]
            of_kernel = tf.matmul(a, b, transpose_a=True)
            return forward(), of_kernel, tf.matmul(b, c, transpose_b=True)

        def step():
            tf.raw_ops.ResourceApplyGradientDescent(
                var=weight.handle, alpha=1e-6, delta=slope
            )

        self._weight = weight  # A function does not keep its variables.
        self._forward = tf.function(forward)
        self._gradients = tf.function(gradients)
        self._step = tf.function(step)

    def add_passes(self, medians: dict[str, float]):
        """Replaces the time of descent by that of a whole step."""
        passes = PASSES[self.setting.optimizer] / DESCENT_PASSES
        medians["step"] = medians["gradients"] + medians["step"] * passes

    def _wait(self, result):
        tf.test.experimental.sync_devices()


def make_ways(setting) -> dict:
    """Returns the package's step without and with each optimization."""
    names = [x.name for x in dataclasses.fields(Measures)]
    ways, batch = {}, draw_batch(setting, seed=0)
    for count in range(len(names) + 1):
        measures = {name: x < count for x, name in enumerate(names)}
        title = f"+ {names[count - 1].replace('_', ' ')}" if count else "plain"
        ways[title] = OwnClusters(setting, 0, Measures(**measures))
        ways[title].load_batch(*batch)
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
    for name in names:
        package = step_worker.PACKAGES.get(WAYS[name][1])
        if package and importlib.util.find_spec(package) is None:
            continue
        if policy != "float32" and package in FLOAT32_ONLY:
            continue
        result = step_worker.run(
            name, setting=_SETTING.value, dtype_policy=policy
        )
        milliseconds = result.pop("milliseconds")
        medians = {k: statistics.median(x) for k, x in milliseconds.items()}
        found[name] = {**medians, **result}
    return found


def tabulate(report, caption, rows, bound):
    """Adds a table of milliseconds and their ratios to the lower bound."""
    header = ["way", *MODES]
    lines = [
        [name, *(f"{row[x]:.1f} ({row[x] / bound[x]:.2f})" for x in MODES)]
        for name, row in rows.items()
    ]
    if "peak_mib" in next(iter(rows.values())):
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
        title = step_worker.title(name)
        goal = f"Kinetics step, {policy}: {title}, times ac_keras"
        report.add_goal(goal, ratio, limit, at_most=False)


def main(report):
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    setting, cores = SETTINGS[_SETTING.value], len(os.sched_getaffinity(0))
    peers = measure_peers(_PEERS.value, _DTYPE_POLICY.value)
    bounds = {
        "lower bound": LowerBound(setting),
        "lower bound, gradients in batches of one": LowerBound(setting, True),
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
        rows = {step_worker.title(name): row for name, row in peers.items()}
        tabulate(report, caption, rows, bound)
    if _SETTING.value == "kinetics" and "own" in peers:
        own = list(found.values())[-1] if ways else peers["own"]
        add_goals(report, own, bound, peers)


if __name__ == "__main__":
    program.run(main)
