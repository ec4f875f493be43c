"""From an error in the middle of a run to what its user can do."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

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
