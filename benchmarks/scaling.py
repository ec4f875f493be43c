"""How time and memory grow with the model's sizes.

    python benchmarks/scaling.py

Attention units, frames, dim, classes and batch are doubled three times each,
from sizes at which that factor matters. Every point is a process of its own,
forked before TensorFlow does anything; those of a factor take turns. Memory is
the growth of the process's peak resident set, as TensorFlow counts none on a
processor, less that of a tiny model. Exponents are fitted by least squares in
logarithms. The floor is the classifier's product alone, and how the products'
multiplications and the bytes of weights, frames and what the units pool grow.
Linux only.
"""

import collections
import dataclasses
import multiprocessing
import pathlib
import statistics
import time
import warnings

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import cluster_classifier
from ac_keras.models import logits_model
from ac_keras.training.update_step import per_example_loss
from report import Report
from scaling_points import DOUBLED
from scaling_points import TINY
from scaling_points import Point

DOUBLINGS = 3
COUNTED = ("multiplications", "forward_bytes", "gradients_bytes")
MODES = ("product", "forward", "gradients")

_FACTORS = flags.DEFINE_list("factors", list(DOUBLED), "What is doubled.")
_SECONDS = flags.DEFINE_float(
    "seconds", 4, "Seconds of rounds a factor.", lower_bound=0
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def memory(name: str) -> float:
    """Gives a line of this process's status, in MiB."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


def make_modes(point: Point):
    """Gives the functions whose memory is measured too, by name."""
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
    """Gives the classifier's product."""
    width = point.dim * point.units
    x = tf.random.normal((point.batch, width))
    kernel = tf.random.normal((width, point.classes))
    multiply = tf.function(tf.matmul)  # x and kernel are no constants to it
    multiply(x, kernel)
    return lambda: multiply(x, kernel)


def work(point: Point, pipe) -> None:
    """Tells the growth of memory, then the seconds of each mode it is sent."""
    warnings.simplefilter("ignore")  # of the tiny model's softmax
    start, peaks, modes = memory("VmRSS"), {}, make_modes(point)
    for mode, function in modes.items():
        for _ in range(3):
            function()
        peaks[mode] = memory("VmHWM") - start
    modes["product"] = make_product(point)
    pipe.send(peaks)
    while pipe.poll(60) and (mode := pipe.recv()):  # or the parent is gone
        start = time.perf_counter()
        modes[mode]()
        pipe.send(time.perf_counter() - start)


def measure(points: list[Point], seconds: float):
    """Measures points in turns, each in a process of its own.

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
    spent = [collections.defaultdict(list) for _ in pipes]
    end = time.monotonic() + seconds
    while not spent[0] or time.monotonic() < end:
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


def fit(values, figures) -> str:
    """Fits a power; gives its exponent and the largest residual."""
    x, y = np.log(values), np.log(figures)
    exponent, constant = np.polyfit(x, y, 1)
    residual = np.expm1(np.abs(y - exponent * x - constant).max())
    return f"{exponent:.2f} (± {100 * residual:.0f} %)"


def add_figures(report: Report) -> None:
    """Measures every factor and adds the points and the exponents."""
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
        counts = [[getattr(x, name) for x in points] for name in COUNTED]
        found = [fit(values, x) for x in columns + counts]
        exponents.append([factor, *found])
    header = ["product, ms", "forward, ms", "and backward, ms"]
    header += ["forward, MiB", "and backward, MiB"]
    report.add_table(
        "Medians, and growth of the peak resident set", ["size", *header], rows
    )
    header += ["multiplications", "bytes, forward", "and backward"]
    report.add_table(
        "Exponents, with the largest residual; the last three of what is "
        "counted",
        ["factor", *header],
        exponents,
    )


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    report = Report(
        "Scaling",
        "Time of the inference forward and of a training step's forward and "
        "backward, and memory, as a factor doubles: 32 units, 20 frames of 512 "
        "numbers, 400 classes and batches of 64; frames with 8 units and 10 "
        "classes and the batch with 50 classes, so that they matter. Each "
        "point is a process of its own; memory is the growth of its peak "
        "resident set, less a tiny model's (all sizes 2). The floor in time is "
        "the classifier's product alone; exponents stand next to those of what "
        "is counted: the forward products' multiplications, and the bytes of "
        "weights, frames, what is pooled and the gradients of both.",
    )
    add_figures(report)
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
