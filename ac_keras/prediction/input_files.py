"""Files of records whose clips are predicted."""

import bisect
import dataclasses
import glob
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.corrupt_records import CorruptRecord
from ac_keras.pipeline.integrity.corrupt_records import FileScan
from ac_keras.pipeline.integrity.record_framing import FRAMING_BYTES

READ_AHEAD = 2  # batches
CHECKED_AT_ONCE = 128  # records
MAX_STEM = 100  # characters of a file's name in its predictions' name


@dataclasses.dataclass(frozen=True)
class InputFile:
    """A file of records.

    Attributes:
        path: Absolute path.
        num_bytes: Size in bytes.
        runs: Runs of intact records, each with its offset in bytes, its number
            of records (-1 up to the end of the file), and the number of
            corrupt records before it.
    """

    path: str
    num_bytes: int
    runs: tuple[tuple[int, int, int], ...] = ((0, -1, 0),)

    @property
    def stem(self) -> str:
        """File name without its ending, shortened if very long."""
        return pathlib.PurePath(self.path).stem[:MAX_STEM]

    def to_json(self) -> dict:
        """Returns path and size, which identify the file, as JSON values."""
        return {"file": self.path, "num_bytes": self.num_bytes}


def find_files(patterns: Sequence[str]) -> list[InputFile]:
    """Returns the files of patterns or paths, each once, sorted by path.

    Raises:
        FileNotFoundError: If a pattern matches no file.
        ValueError: If a pattern matches a folder, or there is no pattern.
    """
    found = set()
    for pattern in patterns:
        paths = [os.path.abspath(path) for path in glob.glob(pattern)]
        if not paths:
            raise FileNotFoundError(
                "Expected patterns that match one file or more each. "
                f"Received: {pattern!r}, which matches none. Correct it, and "
                "quote it in a shell."
            )
        found.update(paths)
    if not found:
        raise ValueError(
            "Expected one pattern of files or more. Received: none. Pass the "
            "files whose records are to be read."
        )
    files = []
    for path in sorted(found):
        if not os.path.isfile(path):
            raise ValueError(
                f"Expected files of records. Received: {path}, which is a "
                "folder. Pass the files in it, such as folder/part-*."
            )
        files.append(InputFile(path, os.stat(path).st_size))
    return files


def check_beginnings(files: Iterable[InputFile]) -> None:
    """Raises ValueError if a file is empty or starts as no TFRecord file."""
    for file in files:
        found = _corrupt_beginning(file)
        if found:
            raise ValueError(
                f"Expected TFRecord files, not compressed. Received: {found}. "
                "Make or copy the file again, or leave it out."
            )


@dataclasses.dataclass(frozen=True)
class Batch:
    """Batch of clips of one file.

    Attributes:
        features: Inputs of the model.
        ids: Strings `(batch,)`, bytes in NumPy; empty without an id.
        gaps: int64 `(batch,)`, number of corrupt records before each clip.
        num_bytes: Size of the records in the file; 0 if unknown, because a
            record has several clips.
    """

    features: dict[str, tf.Tensor]
    ids: np.ndarray
    gaps: np.ndarray
    num_bytes: int


def read_files(
    files: Sequence[InputFile],
    description: Description,
    *,
    batch_size: int,
    sample_size: int = 0,
) -> Iterator[Batch | None]:
    """Reads files one after the other, ahead of the consumer.

    A batch contains clips of one file only, so that a file's predictions do
    not depend on the others; a file's last batch may be smaller. Frames are
    taken at equal intervals; 0 as `sample_size` takes all.

    Yields:
        The first file's batches, then None at its end, then the next file's.

    Raises:
        tf.errors.OpError, UnicodeDecodeError: If the current file cannot be
            read to its end.
    """
    decode = _clip_decoder(description, sample_size)
    stream = _serialized(files, description, batch_size).map(
        lambda clips, gaps: _decode_part(clips, gaps, decode),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    for part in stream.prefetch(READ_AHEAD):
        if part["is_end"]:
            yield None
        else:
            yield Batch(
                part["features"],
                part["id"].numpy(),
                part["gap"].numpy(),
                int(part["num_bytes"]),
            )


def first_corrupt_record(
    file: InputFile,
    description: Description,
    sample_size: int,
    offset: int = 0,
) -> CorruptRecord | None:
    """Returns the first corrupt record of a file, if there is one.

    The search starts at `offset`; all records before it are intact. Frames that
    are not sampled are not checked.
    """
    if not file.num_bytes:
        return _corrupt_beginning(file)
    scan = _scan(file, description, sample_size)
    return next(scan.find(offset), None)


def intact_records(
    file: InputFile, description: Description, sample_size: int
) -> tuple[InputFile, list[CorruptRecord]]:
    """Returns the file with its intact records only, and the corrupt ones.

    All of the file is read; frames that are not sampled are not checked.
    """
    if not file.num_bytes:
        empty = dataclasses.replace(file, runs=())
        return empty, [_corrupt_beginning(file)]
    scan = _scan(file, description, sample_size)
    found = list(scan.find())
    offsets = [record.offset for record in found]
    runs = tuple(
        (start, count, bisect.bisect(offsets, start))
        for start, count in scan.runs
    )
    return dataclasses.replace(file, runs=runs), found


def _corrupt_beginning(file):
    """Returns the damage that a file's first bytes show, if any."""
    if not file.num_bytes:
        return CorruptRecord(file.path, 0, "an empty file")
    reason = record_framing.describe_break(file.path, 0)
    return CorruptRecord(file.path, 0, reason) if reason else None


def _clip_decoder(description, sample_size):
    """Returns a function from a batch of clips to their ids and features."""
    decode = batch_decoder(description, None, sample_size)
    counts = [f"{name}_num_frames" for name in description.modalities]

    def decode_clips(batch):
        stored = parsing.parse_records(batch, description, labelled=False)
        features, _ = decode(stored, None)
        # Records of another format may look like clips without a frame.
        has_frames = tf.add_n([features[name] for name in counts]) > 0
        check = tf.debugging.Assert(
            tf.reduce_all(has_frames),
            [
                f"Expected a frame of {' or '.join(description.modalities)}. "
                "Received: none in the clips",
                tf.boolean_mask(stored["id"], ~has_frames),
            ],
        )
        with tf.control_dependencies([check]):
            return tf.identity(stored["id"]), features

    return decode_clips


def _serialized(files, description, batch_size):
    """Returns batches of serialized clips, an empty one at a file's end."""
    runs = [run for file in files for run in file.runs]
    table = tf.constant(np.reshape(runs, (-1, 3)), tf.int64)
    num_runs = tf.constant([len(file.runs) for file in files], tf.int64)
    per_file = {
        "path": [file.path for file in files],
        "first": tf.cumsum(num_runs, exclusive=True),
        "end": tf.cumsum(num_runs),
    }

    def clips_of(path, row):
        run = {"path": path, "offset": row[0], "num_records": row[1]}
        clips = parsing.expand_clips(shards.open_run(run), description)
        gaps = tf.data.Dataset.from_tensors(row[2]).repeat()
        return tf.data.Dataset.zip((clips, gaps))

    def batches_of(file):
        rows = tf.data.Dataset.from_tensor_slices(
            table[file["first"] : file["end"]]
        )
        clips = rows.flat_map(lambda row: clips_of(file["path"], row))
        nothing = tf.nest.map_structure(
            lambda x: tf.zeros([0, *x.shape], x.dtype), clips.element_spec
        )
        end = tf.data.Dataset.from_tensors(nothing)
        return clips.batch(batch_size).concatenate(end)

    return tf.data.Dataset.from_tensor_slices(per_file).flat_map(batches_of)


def _decode_part(clips, gaps, decode):
    ids, features = decode(clips)
    num_bytes = tf.constant(0, tf.int64)
    if not isinstance(clips, dict):
        sizes = tf.cast(tf.strings.length(clips), tf.int64) + FRAMING_BYTES
        num_bytes = tf.reduce_sum(sizes)
    return {
        "is_end": tf.equal(tf.size(gaps), 0),
        "features": features,
        "id": ids,
        "gap": gaps,
        "num_bytes": num_bytes,
    }


def _scan(file, description, sample_size):
    count = _clip_counter(description, sample_size)
    return FileScan(file.path, count, checked_at_once=CHECKED_AT_ONCE)


def _clip_counter(description, sample_size):
    """Returns a function that decodes and counts clips as the reader does."""
    decode = _clip_decoder(description, sample_size)

    def batches_of(serialized):
        dataset = tf.data.Dataset.from_tensor_slices(serialized)
        clips = parsing.expand_clips(dataset, description)
        return clips.batch(CHECKED_AT_ONCE)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def count_many(serialized):
        counts = batches_of(serialized).map(lambda x: tf.size(decode(x)[0]))
        return counts.reduce(0, lambda total, count: total + count)

    def count(serialized):
        if len(serialized) > 1:
            return int(count_many(serialized))
        # Slower, but the first line of an error describes the problem.
        return sum(len(decode(x)[0]) for x in batches_of(serialized))

    return count
