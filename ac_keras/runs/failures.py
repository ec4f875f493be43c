"""From an error in the middle of a run to what its user can do."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import find_damage
from ac_keras.training.trainer import NonFiniteLossError

LOST_HOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
BROKEN_DATA = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,  # another number of clips
    UnicodeDecodeError,  # TensorFlow's, of a message with a record's bytes
)


def explain(
    error: Exception,
    manifest: Manifest,
    splits: Sequence[str],
    batch_at: Callable[[int, int], tf.data.Dataset],
    num_hosts: int = 1,
) -> str | None:
    """Says what went wrong and what to do.

    Args:
        error: What training raised.
        manifest: The dataset; where its records may be the cause, all of
            them are read to find the first broken one.
        splits: The splits that were read.
        batch_at: Gives training batches from an epoch and a step on, with
            ids.
        num_hosts: Processes that took part.

    Returns:
        The message, or None where the cause is not known.
    """
    if isinstance(error, NonFiniteLossError):
        if error.step is None:
            return (
                f"{error} The best model so far stays. Lower --learning_rate "
                "or set --clip_norm."
            )
        ids = next(iter(batch_at(error.epoch, error.step)))[2].numpy()
        return (
            f"{error} The last checkpoint is of an earlier step. The batch "
            f"holds the clips {', '.join(x.decode() for x in ids)}. Lower "
            "--learning_rate, set --clip_norm, or look at these clips' "
            "features."
        )
    if isinstance(error, BROKEN_DATA):
        damage = _first_damage(manifest, splits)
        if damage:
            return (
                f"Expected sound records. Received: {damage}. Make or copy the "
                "file anew, or leave such records out with "
                "--skip_corrupt_records."
            )
    return explain_loss(error, num_hosts)


def explain_loss(error: Exception, num_hosts: int) -> str | None:
    """Says that a host was lost, whenever it was.

    Args:
        error: What TensorFlow raised.
        num_hosts: Processes that take part.

    Returns:
        The message, or None where it was something else.
    """
    if num_hosts == 1 or not isinstance(error, LOST_HOST):
        return None
    return (
        f"Expected all {num_hosts} hosts to go on. Received: the loss of one, "
        f"seen as {type(error).__name__}. Start the same command on every "
        "host again; the run goes on from its last checkpoint."
    )


@contextlib.contextmanager
def named_damage(manifest: Manifest, split: str) -> Iterator[None]:
    """Makes an error of a broken record name the record.

    Args:
        manifest: The dataset.
        split: The split that is read in the block.

    Raises:
        ValueError: If TensorFlow finds a broken record.
    """
    try:
        yield
    except BROKEN_DATA as error:
        damage = _first_damage(manifest, [split])
        if damage is None:
            raise
        raise ValueError(
            f"Expected sound records. Received: {damage}. Make or copy the "
            "file anew."
        ) from error


def _first_damage(manifest, splits):
    """Reads the splits up to the first broken record."""
    found = (x for split in splits for x in find_damage(manifest, split))
    return next(found, None)


MEGABYTE = 1e6


def describe_run(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batches: tf.data.Dataset,
    *,
    num_clips: int,
    steps_per_epoch: int,
    epochs: int,
    num_averages: int = 0,
) -> str:
    """Tells shapes, numbers of parameters, memory and steps.

    Args:
        model: The model.
        optimizer: What would update it.
        batches: Its training batches; only their shapes are asked for.
        num_clips: Clips in the training split.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs at most.
        num_averages: Further copies of the weights that are kept.
    """
    lines = []
    model.summary(line_length=80, print_fn=lambda line, **_: lines.append(line))
    batch = next(iter(batches))
    for name, x in batch[0].items():
        lines.append(f"{name}: {tuple(x.shape)} {x.dtype.name}")
    lines.append(f"labels: {tuple(batch[1].shape)} {batch[1].dtype.name}")
    batch_bytes = sum(x.numpy().nbytes for x in tf.nest.flatten(batch))
    optimizer.build(model.trainable_variables)
    weights = _num_bytes(model.variables)
    slots = _num_bytes(optimizer.variables)
    kept = weights * (2 + num_averages) + slots
    lines.append(
        f"Parameters: {model.count_params():,}\n"
        f"Memory: weights {weights / MEGABYTE:,.1f} MB; with gradients, "
        f"optimizer and averages {kept / MEGABYTE:,.1f} MB on every device; "
        f"a batch {batch_bytes / MEGABYTE:,.1f} MB\n"
        f"Steps: {steps_per_epoch:,} in an epoch of {num_clips:,} clips, "
        f"{steps_per_epoch * epochs:,} in {epochs} epochs"
    )
    return "\n".join(lines)


def _num_bytes(variables):
    return sum(
        int(np.prod(x.shape)) * np.dtype(x.dtype).itemsize for x in variables
    )
