"""Time that training steps wait for the package's reader."""

import pathlib
import statistics
import time

import keras
import reader_data
import tensorflow as tf

from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import training_batches
from ac_keras.training import UpdateStep

WARM_UP = 8  # steps that are not timed
# Modalities, units and number of classes, then arguments of the reader, as in
# trainers/flags.
SETTINGS = {
    "Flash-MNIST": (
        ({"rgb": Modality(50)}, {"rgb": 32}, 1024),
        {"batch_size": 256, "in_memory": True},
    ),
    "Kinetics": (
        (reader_data.KINETICS, {"rgb": 64, "flow": 32, "audio": 32}, 400),
        {"batch_size": 64, "sample_size": 20},
    ),
}


def measure(setting: str, directory: str, num_steps: int) -> dict:
    """Times steps with batches of the reader and with one batch in memory.

    Args:
        setting: A name of `SETTINGS`.
        directory: An empty folder for records.
        num_steps: Number of steps to time of each kind.

    Returns:
        - `step_ms`: milliseconds of a step with the batch in memory.
        - `hand_over`: share of it that a dataset takes to return this batch.
        - `waiting`: share of it that the reader takes beyond `hand_over`.
        - `ratio`: time of a step with the reader to that of one without.
    """
    (modalities, num_units, num_classes), reading = SETTINGS[setting]
    in_memory = reading.get("in_memory", False)
    # With a dataset in memory, the end of an epoch is measured too.
    num_clips, times = (4096, 1) if in_memory else (512, reader_data.REPEATS)
    directory = pathlib.Path(directory, "written")
    written = reader_data.write_clips(
        directory, num_clips, 8, modalities, num_classes
    )
    dataset = training_batches(reader_data.repeat(written, times), **reading)
    step = make_step(written, num_units, reading["batch_size"])
    (held,) = dataset.take(1)
    ready = iter(tf.data.Dataset.from_tensors(held).repeat().prefetch(2))
    time_steps(step, ready, WARM_UP)
    before = time_steps(step, ready, num_steps)
    batches = iter(dataset)
    time_steps(step, batches, WARM_UP)
    read, waits = time_steps(step, batches, num_steps)
    del batches  # It would continue to read.
    after = time_steps(step, ready, num_steps)
    alone = statistics.median(before[0] + after[0])
    hand_over = statistics.mean(before[1] + after[1])
    return {
        "step_ms": 1000 * alone,
        "hand_over": hand_over / alone,
        "waiting": max(statistics.mean(waits) - hand_over, 0) / alone,
        "ratio": statistics.median(read) / alone,
    }


def make_step(manifest: Manifest, num_units: dict[str, int], batch_size: int):
    """Returns a function that takes a training step with a batch."""
    description = manifest.description
    model = cluster_classifier(
        {name: x.dim for name, x in description.modalities.items()},
        {n: ShiftingCluster(units, name=n) for n, units in num_units.items()},
        description.num_classes,
    )
    update = UpdateStep(model, keras.optimizers.RMSprop(1e-3), clip_norm=5.0)
    return tf.function(lambda batch: update(*batch, batch_size)[0])


def time_steps(step, batches, num_steps: int):
    """Returns the seconds of each step, and of its wait for the batch."""
    seconds, waits = [], []
    for _ in range(num_steps):
        start = time.perf_counter()
        batch = next(batches)
        waits.append(time.perf_counter() - start)
        step(batch).numpy()
        seconds.append(time.perf_counter() - start)
    return seconds, waits
