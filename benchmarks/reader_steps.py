"""Whether steps of training wait for the package's reader."""

import pathlib
import statistics
import time

import keras
import tensorflow as tf

import reader_floors
from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import training_batches
from ac_keras.training import UpdateStep

WARM_UP = 8  # steps that are not timed
FLASH_MNIST = {"rgb": 50}
# Dims, dtype, num_units, classes, then how to read, as the flagfiles have it.
SETTINGS = {
    "Flash-MNIST": (
        (FLASH_MNIST, "float32", {"rgb": 32}, 1024),
        {"batch_size": 256, "in_memory": True},
    ),
    "Kinetics": (
        (
            reader_floors.HALF,
            "float16",
            {"rgb": 64, "flow": 32, "audio": 32},
            400,
        ),
        {"batch_size": 64, "sample_size": 20},
    ),
}


def measure(setting: str, directory: str, num_steps: int) -> dict:
    """Times steps with batches that are read and with one that is there.

    Args:
        setting: A name of `SETTINGS`.
        directory: An empty folder for records.
        num_steps: How many steps are timed of each.

    Returns:
        `step_ms`: a step with a batch that is there. `handing_over`: the
        share of it that a dataset takes to give even that batch.
        `waiting`: the share that reading takes besides. `longer`: the time of
        a step that reads to that of one that does not.
    """
    (dims, dtype, num_units, num_classes), reading = SETTINGS[setting]
    in_memory = reading.get("in_memory", False)
    # In memory an epoch's end is part of what is measured.
    num_clips, times = (4096, 1) if in_memory else (512, reader_floors.AGAIN)
    written = reader_floors.write_clips(
        pathlib.Path(directory, "written"),
        num_clips,
        8,
        dims,
        dtype,
        num_classes,
    )
    dataset = training_batches(reader_floors.repeat(written, times), **reading)
    step = make_step(written, num_units, reading["batch_size"])
    (held,) = dataset.take(1)
    ready = iter(tf.data.Dataset.from_tensors(held).repeat().prefetch(2))
    time_steps(step, ready, WARM_UP)
    before = time_steps(step, ready, num_steps)
    batches = iter(dataset)
    time_steps(step, batches, WARM_UP)
    read, waits = time_steps(step, batches, num_steps)
    del batches  # It goes on reading else.
    after = time_steps(step, ready, num_steps)
    alone = statistics.median(before[0] + after[0])
    handing_over = statistics.mean(before[1] + after[1])
    return {
        "step_ms": 1000 * alone,
        "handing_over": handing_over / alone,
        "waiting": max(statistics.mean(waits) - handing_over, 0) / alone,
        "longer": statistics.median(read) / alone,
    }


def make_step(manifest: Manifest, num_units: dict[str, int], batch_size: int):
    """Gives a function that takes a step of training with a batch."""
    description = manifest.description
    model = cluster_classifier(
        {name: x.dim for name, x in description.modalities.items()},
        {n: ShiftingCluster(units, name=n) for n, units in num_units.items()},
        description.num_classes,
    )
    update = UpdateStep(model, keras.optimizers.RMSprop(1e-3), clip_norm=5.0)
    return tf.function(lambda batch: update(*batch, batch_size)[0])


def time_steps(step, batches, num_steps: int):
    """Gives the seconds of each step, and of the waits in them."""
    seconds, waits = [], []
    for _ in range(num_steps):
        start = time.perf_counter()
        batch = next(batches)
        waits.append(time.perf_counter() - start)
        step(batch).numpy()
        seconds.append(time.perf_counter() - start)
    return seconds, waits
