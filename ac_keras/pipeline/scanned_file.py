"""One file of others' records: scanned once, its errors told."""

import hashlib
import json
import pathlib
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import record_framing
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.record_totals import Totals
from ac_keras.utils import atomic_file


def scan_once(
    folder: pathlib.Path,
    description: Description,
    path: pathlib.Path,
    scan: Callable[[str], Totals],
) -> Totals:
    """Gives a file's totals, scanned now or in an earlier run.

    Args:
        folder: Where totals are kept; those of a file that has changed since,
            or of another description, are not taken.
        description: What the records hold.
        path: The file.
        scan: What `make_scan` gave.

    Raises:
        ValueError: If the file is empty, truncated or does not fit the
            description.
    """
    stat = path.stat()
    what = [description.to_json(), str(path), stat.st_size, stat.st_mtime_ns]
    digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    kept = folder / f"{digest[:32]}.npz"
    if kept.is_file():
        with np.load(kept) as totals:
            return dict(totals)
    totals = _scan(path, description, scan)
    _check(path, description, totals)
    with atomic_file.atomic_path(kept) as partial, open(partial, "wb") as file:
        np.savez(file, **totals)
    return totals


def _scan(path, description, scan):
    starts = _record_starts(path)
    try:
        return scan(str(path))
    except tf.errors.DataLossError as error:
        offset = re.search(r"record at (\d+)", error.message)
        # Of the record's first byte or of its data.
        start = starts[starts <= int(offset[1])][-1:] if offset else ()
        where = f" at byte {start[0]}" if len(start) else ""
        raise ValueError(
            f"Expected records that are whole in {path}. Received: a corrupt "
            f"one{where}. Copy the file again or leave it out."
        ) from error
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"Expected records of format {description.record_format!r} in "
            f"{path} that fit the description. Received: "
            f"{_reason(error.message)}. Mend the description or leave out the "
            "file."
        ) from error


def _record_starts(path):
    """Gives the records' first bytes; raises unless the last one is whole."""
    starts, is_whole = record_framing.record_starts(path)
    if not is_whole:
        raise ValueError(
            f"Expected records that are whole in {path}. Received: one at "
            f"byte {starts[-1]} that is cut off, or no TFRecord, in "
            f"{path.stat().st_size} bytes. Copy the file again or leave it "
            "out."
        )
    return starts


def _reason(message):
    """What a message of TensorFlow's says, without where in which graph."""
    text = message.partition("\n\t [[")[0].rpartition("\n\n")[2]
    text = text.partition("[Condition x")[0]
    text = re.split(r"with iterator: \S+: ", text)[-1]
    return " ".join(text.split()).rstrip(".")


def _check(path, description, totals):
    if not totals["num_clips"]:
        raise ValueError(
            f"Expected clips in {path}. Received: {path.stat().st_size} bytes "
            f"without a clip of format {description.record_format!r}. Leave "
            "out the file or name its format."
        )
    for name in description.modalities:
        if not np.isfinite(totals[f"sum/{name}"]).all():
            raise ValueError(
                f"Expected finite features in {path}. Received: NaN or "
                f"infinity in modality {name!r}. Leave out the file or mend "
                "its clips."
            )
