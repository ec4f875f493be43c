"""Times a training step on a GPU: the layers on JAX, and PyTorch.

    python benchmarks/gpu_step.py

needs a GPU, JAX and PyTorch, but not TensorFlow. It takes steps at the
Kinetics setting with batches of 64 to 4,096 clips, each in a new process. The
lower bound is the larger of two times, at the rates of a copy and a product of
JAX on the same GPU:

- moving the bytes of a step: the classifier's weight is read three times, its
  gradient written and read, and the update makes five passes; the pooled
  features are written and read three times each;
- the operations of the three products of the classifier.

Values are medians in milliseconds.
"""

import statistics

from absl import flags

from measurement import program
from measurement.report import Report
from measurement.timing import run_worker
from peers import step_worker
from peers.setting import KINETICS

NAMES = ("jax", "torch", "torch_compiled")
WEIGHT_PASSES, POOLED_PASSES = 10, 6
BYTES = 4  # of a float32
REPEATS = 20

_BATCH_SIZES = flags.DEFINE_list(
    "batch_sizes", ["64", "256", "1024", "4096"], "Clips per step."
)
_DEVICE = flags.DEFINE_enum(
    "device", "cuda", ["cuda", "cpu"], "Device of PyTorch."
)
_SIZE = flags.DEFINE_integer(
    "size", 8192, "Rows of the matrices that measure the rates."
)


def measure_rates(size: int) -> tuple[float, float]:
    """Returns the bytes/s of a copy and the operations/s of a product."""
    # A new process, because JAX keeps a GPU's memory.
    program = f"""
import time, jax, jax.numpy as jnp
x = jnp.ones(({size}, {size}), "float32")
seconds = []
for function in (lambda x: x + 1.0, lambda x: x @ x):
    function = jax.jit(function)
    jax.block_until_ready(function(x))
    start = time.perf_counter()
    for _ in range({REPEATS}):
        found = function(x)
    jax.block_until_ready(found)
    seconds.append((time.perf_counter() - start) / {REPEATS})
print(seconds)
"""
    copy, product = run_worker("-c", program)
    return 2 * BYTES * size**2 / copy, 2 * size**3 / product


def lower_bound(batch_size: int, rates: tuple[float, float]) -> float:
    """Returns the lower bound of a step's milliseconds."""
    weight = KINETICS.width * KINETICS.num_classes
    pooled = batch_size * KINETICS.width
    moved = BYTES * (WEIGHT_PASSES * weight + POOLED_PASSES * pooled)
    products = 3 * 2 * batch_size * weight
    return 1000 * max(moved / rates[0], products / rates[1])


def measure_step(name: str, batch_size: int) -> float:
    """Returns the median milliseconds of a step."""
    options = {"rounds": 20, "batch_size": batch_size}
    if name != "jax":
        options["device"] = _DEVICE.value
    found = step_worker.run(name, **options)
    return statistics.median(found["milliseconds"]["step"])


def main(report: Report):
    rates = measure_rates(_SIZE.value)
    report.add_table(
        "Rates of the GPU",
        ["copy, GB/s", "product in float32, Tflop/s"],
        [[f"{rates[0] / 1e9:.0f}", f"{rates[1] / 1e12:.1f}"]],
    )
    rows = []
    for batch_size in map(int, _BATCH_SIZES.value):
        bound = lower_bound(batch_size, rates)
        found = [measure_step(name, batch_size) for name in NAMES]
        cells = [f"{x:.2f} ({x / bound:.2f})" for x in found]
        rows.append([batch_size, f"{bound:.2f}", *cells])
    report.add_table(
        "Milliseconds of a step (times the lower bound), Kinetics, float32",
        ["batch", "lower bound", *map(step_worker.title, NAMES)],
        rows,
    )


if __name__ == "__main__":
    program.run(main)
