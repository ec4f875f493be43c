"""Measures the growth of time and memory with the model's sizes.

    python benchmarks/scaling.py

doubles attention units, frames, dim, classes and batch size three times each,
from sizes at which the factor matters. Every point is a process, forked before
TensorFlow is used; the points of a factor take turns. Memory is the growth of
the peak resident set, because TensorFlow does not count it on a processor,
minus that of a tiny model. Exponents are fitted by least squares in
logarithms. The lower bound is the classifier's product alone, and the growth
of the products' multiplications and of the bytes of weights, frames and pooled
features. Linux only.
"""

import dataclasses
import multiprocessing
import statistics
import time
import warnings

import numpy as np
import tensorflow as tf
from absl import flags

from ac_keras import cluster_classifier
from ac_keras.models import logits_model
from ac_keras.training.update_step import per_example_loss
from measurement import program
from measurement.timing import memory_mib


@dataclasses.dataclass(frozen=True)
class Point:
    """Sizes of a model with one modality, and of its batch."""

    units: int = 32
    frames: int = 20
    dim: int = 512
    classes: int = 400
    batch: int = 64

    @property
    def multiplications(self) -> int:
        """Multiplications of scores, pooling and classifier."""
        clusters = 2 * self.frames * self.dim * self.units
        return self.batch * (clusters + self.dim * self.units * self.classes)

    def num_bytes(self, with_gradients: bool) -> int:
        """Bytes of weights, frames and pooled features, and of gradients."""
        numbers = self.dim * self.units * (self.classes + self.batch)
        numbers *= 2 if with_gradients else 1
        return 4 * (numbers + self.batch * self.frames * self.dim)


# Smallest point of each factor, with sizes at which it matters.
DOUBLED = {
    "units": Point(units=16),
    "frames": Point(units=8, frames=50, classes=10),
    "dim": Point(dim=256),
    "classes": Point(classes=500),
    "batch": Point(batch=128, classes=50),
}
TINY = Point(2, 2, 2, 2, 2)
DOUBLINGS = 3
MODES = ("product", "forward", "gradients")

_FACTORS = flags.DEFINE_list("factors", list(DOUBLED), "Factors to double.")
_SECONDS = flags.DEFINE_float(
    "seconds", 4, "Seconds of rounds per factor.", lower_bound=0
)


def make_modes(point: Point):
    """Returns the functions whose time and memory are measured, by name."""
    features = {
        "x": tf.random.normal((point.batch, point.frames, point.dim)),
        "x_num_frames": tf.fill((point.batch,), point.frames),
    }
    labels = tf.zeros((point.batch,), tf.int32)
    model = cluster_classifier(
        {"x": point.dim}, {"x": point.units}, point.classes
    )
    outputs = logits_model(model)
    weights = [x.value for x in model.trainable_variables]

    @tf.function
    def forward():
        return model(features, training=False)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            logits, _ = outputs(features, training=True)
            loss = tf.reduce_mean(per_example_loss(logits, labels, False))
        return tape.gradient(loss, weights)

    return {"forward": forward, "gradients": gradients}


def make_product(point: Point):
    """Returns a function that computes the classifier's product."""
    width = point.dim * point.units
    x = tf.random.normal((point.batch, width))
    kernel = tf.random.normal((width, point.classes))
    multiply = tf.function(tf.matmul)  # arguments, so that none is constant
    multiply(x, kernel)
    return lambda: multiply(x, kernel)


def work(point: Point, pipe) -> None:
    """Sends the growth of memory, then the seconds of each mode received."""
    warnings.simplefilter("ignore")  # of the tiny model's softmax
    start, peaks, modes = memory_mib("VmRSS"), {}, make_modes(point)
    for mode, function in modes.items():
        for _ in range(3):
            function()
        peaks[mode] = memory_mib("VmHWM") - start
    modes["product"] = make_product(point)
    pipe.send(peaks)
    while pipe.poll(60) and (mode := pipe.recv()):  # or the parent ended
        start = time.perf_counter()
        modes[mode]()
        pipe.send(time.perf_counter() - start)


def measure(points: list[Point], seconds: float):
    """Measures points in turns, each in a process.

    Returns:
        The MiB and the milliseconds of each point by mode.
    """
    context = multiprocessing.get_context("fork")
    pipes = []
    for point in points:
        ours, theirs = context.Pipe()
        context.Process(target=work, args=(point, theirs)).start()
        pipes.append(ours)
    memories = [pipe.recv() for pipe in pipes]
    spent = [{mode: [] for mode in MODES} for _ in pipes]
    end = time.monotonic() + seconds
    while not spent[0][MODES[0]] or time.monotonic() < end:
        for pipe, times in zip(pipes, spent, strict=True):
            for mode in MODES:
                pipe.send(mode)
                times[mode].append(1000 * pipe.recv())
    for pipe in pipes:
        pipe.send(None)
    for process in multiprocessing.active_children():
        process.join()
    return memories, [
        {mode: statistics.median(x) for mode, x in times.items()}
        for times in spent
    ]


def fit(values, measured) -> str:
    """Fits a power; formats its exponent and the largest residual."""
    x, y = np.log(values), np.log(measured)
    exponent, constant = np.polyfit(x, y, 1)
    residual = np.expm1(np.abs(y - exponent * x - constant).max())
    return f"{exponent:.2f} (± {100 * residual:.0f} %)"


def main(report):
    (tiny,), (times,) = measure([TINY], _SECONDS.value / 10)
    rows = [["tiny", *(f"{times[x]:.1f}" for x in MODES), "0", "0"]]
    exponents = []
    for factor in _FACTORS.value:
        base = DOUBLED[factor]
        values = [getattr(base, factor) << x for x in range(DOUBLINGS + 1)]
        points = [dataclasses.replace(base, **{factor: x}) for x in values]
        memories, times = measure(points, _SECONDS.value)
        columns = [[t[x] for t in times] for x in MODES]
        columns += [[m[x] - tiny[x] for m in memories] for x in tiny]
        for index, value in enumerate(values):
            cells = [f"{column[index]:,.1f}" for column in columns]
            rows.append([f"{factor} {value:,}", *cells])
        counts = [[x.multiplications for x in points]]
        counts += [[x.num_bytes(y) for x in points] for y in (False, True)]
        found = [fit(values, x) for x in columns + counts]
        exponents.append([factor, *found])
    header = ["product, ms", "forward, ms", "forward and backward, ms"]
    header += ["forward, MiB", "forward and backward, MiB"]
    report.add_table(
        "Medians, and growth of the peak resident set", ["size", *header], rows
    )
    header += ["multiplications", "bytes, forward"]
    header.append("bytes, forward and backward")
    report.add_table(
        "Exponents with the largest residual; the last three columns are "
        "counted",
        ["factor", *header],
        exponents,
    )


if __name__ == "__main__":
    program.run(main)
