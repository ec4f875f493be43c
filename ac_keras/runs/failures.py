"""Explanations of errors that stop a run in the middle."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import find_corrupt_records
from ac_keras.training.trainer import NonFiniteLossError

LOST_HOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
CORRUPT_DATA = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,  # a wrong number of clips
    UnicodeDecodeError,  # TensorFlow's, for a message with bytes of a record
)


@contextlib.contextmanager
def explain_errors(
    manifest: Manifest,
    splits: Sequence[str],
    batch_at: Callable[[int, int], tf.data.Dataset],
) -> Iterator[None]:
    """Explains corrupt records and losses that are not finite.

    Args:
        manifest: Manifest of the dataset. All its records are read to find
            the first corrupt one when that may be the cause.
        splits: Splits that are read in the block.
        batch_at: Function from an epoch and a step to the training batches
            from there on, with ids.

    Raises:
        ValueError: If the block raised one of these errors.
    """
    try:
        with name_corrupt_records(
            manifest, *splits, otherwise="skip it with --skip_corrupt_records"
        ):
            yield
    except NonFiniteLossError as error:
        raise ValueError(_explain_infinite_loss(error, batch_at)) from error


@contextlib.contextmanager
def name_corrupt_records(
    manifest: Manifest, *splits: str, otherwise: str = ""
) -> Iterator[None]:
    """Makes an error that a corrupt record causes name the record.

    Args:
        manifest: Manifest of the dataset.
        *splits: Splits that are read in the block.
        otherwise: Another way to fix the problem, for the error message.

    Raises:
        ValueError: If TensorFlow finds a corrupt record.
    """
    try:
        yield
    except CORRUPT_DATA as error:
        records = (
            x for split in splits for x in find_corrupt_records(manifest, split)
        )
        record = next(records, None)
        if record is None:
            raise
        raise ValueError(
            f"Expected valid records. Received: {record}. Make or copy the "
            f"file again{f', or {otherwise}' if otherwise else ''}."
        ) from error


@contextlib.contextmanager
def explain_lost_hosts(num_hosts: int) -> Iterator[None]:
    """Explains the loss of another host.

    Args:
        num_hosts: Number of processes that train together.

    Raises:
        ValueError: If another host was lost.
    """
    try:
        yield
    except LOST_HOST as error:
        if num_hosts == 1:
            raise
        raise ValueError(
            f"Expected all {num_hosts} hosts to continue. Received: the loss "
            f"of a host ({type(error).__name__}). Start the same command on "
            "every host again; the run resumes from its last checkpoint."
        ) from error


def _explain_infinite_loss(error, batch_at):
    if error.step is None:
        return (
            f"{error} The best model so far is kept. Lower --learning_rate or "
            "set --clip_norm."
        )
    ids = next(iter(batch_at(error.epoch, error.step)))[2].numpy()
    return (
        f"{error} The last checkpoint is of an earlier step. The batch "
        f"contains the clips {', '.join(x.decode() for x in ids)}. Lower "
        "--learning_rate, set --clip_norm, or check the features of these "
        "clips."
    )
