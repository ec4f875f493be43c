"""A training step on a GPU: the layers on JAX beside PyTorch.

    python benchmarks/gpu_step.py

needs JAX and PyTorch with a GPU, not TensorFlow. Takes steps at the Kinetics
setting with batches of 64 to 4,096 clips, each in a process of its own. The
floor is the larger of two times, by what a copy and a product of JAX reach on
the same GPU: the bytes that a step must move (the classifier's weight read
three times, its gradient written and read, five passes of the update; what is
pooled, written and read three times each) and the operations of the three
products of the classifier. Figures are medians in milliseconds.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

from absl import app
from absl import flags

from peers.setting import KINETICS
from report import Report

WAYS = {
    "jax": "ac_keras on JAX",
    "torch": "PyTorch, batched units",
    "torch_compiled": "PyTorch, torch.compile",
}
WEIGHT_PASSES, POOLED_PASSES = 10, 6
BYTES = 4  # of a float32
REPEATS = 20
WORKER = pathlib.Path(__file__).with_name("step_worker.py")

_BATCH_SIZES = flags.DEFINE_list(
    "batch_sizes", ["64", "256", "1024", "4096"], "Clips in a step."
)
_DEVICE = flags.DEFINE_enum("device", "cuda", ["cuda", "cpu"], "To run on.")
_SIZE = flags.DEFINE_integer("size", 8192, "Rows of the matrices of the floor.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def measure_rates(size: int) -> tuple[float, float]:
    """Gives bytes a second of a copy and operations a second of a product."""
    # In a process of its own, as JAX keeps a GPU's memory.
    program = f"""
import time, jax, jax.numpy as jnp
x = jnp.ones(({size}, {size}), "float32")
for function in (lambda x: x + 1.0, lambda x: x @ x):
    function = jax.jit(function)
    jax.block_until_ready(function(x))
    start = time.perf_counter()
    for _ in range({REPEATS}):
        found = function(x)
    jax.block_until_ready(found)
    print((time.perf_counter() - start) / {REPEATS})
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    copy, product = map(float, result.stdout.split())
    return 2 * BYTES * size**2 / copy, 2 * size**3 / product


def find_floor(batch_size: int, rates: tuple[float, float]) -> float:
    """Gives the milliseconds that a step takes at least."""
    weight = KINETICS.width * KINETICS.num_classes
    pooled = batch_size * KINETICS.width
    moved = BYTES * (WEIGHT_PASSES * weight + POOLED_PASSES * pooled)
    products = 3 * 2 * batch_size * weight
    return 1000 * max(moved / rates[0], products / rates[1])


def measure_step(way: str, batch_size: int) -> float:
    """Gives a way's median milliseconds."""
    command = [sys.executable, str(WORKER), f"--way={way}", "--rounds=20"]
    command.append(f"--batch_size={batch_size}")
    if way != "jax":
        command.append(f"--device={_DEVICE.value}")
    result = subprocess.run(
        command,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    line = json.loads(result.stdout.splitlines()[-1])
    return statistics.median(line["milliseconds"]["step"])


def main(argv):
    del argv
    about = " ".join(__doc__.split("\n\n")[2].split())
    report = Report("Step on a GPU", f"The program {about}")
    rates = measure_rates(_SIZE.value)
    report.add_table(
        "What the GPU reaches",
        ["copy, GB/s", "product in float32, Tflop/s"],
        [[f"{rates[0] / 1e9:.0f}", f"{rates[1] / 1e12:.1f}"]],
    )
    rows = []
    for batch_size in map(int, _BATCH_SIZES.value):
        floor = find_floor(batch_size, rates)
        found = [measure_step(way, batch_size) for way in WAYS]
        cells = [f"{x:.2f} ({x / floor:.2f})" for x in found]
        rows.append([batch_size, f"{floor:.2f}", *cells])
    report.add_table(
        "Milliseconds of a step (times the floor), Kinetics setting, float32",
        ["batch", "floor", *WAYS.values()],
        rows,
    )
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
