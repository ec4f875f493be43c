"""The files of records whose clips are to be named."""

import bisect
import dataclasses
import glob
import os
import pathlib
from collections.abc import Callable
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
from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.pipeline.integrity.damage import FileScan
from ac_keras.pipeline.integrity.record_framing import FRAMING_BYTES


@dataclasses.dataclass(frozen=True)
class InputFile:
    """A file of records.

    Attributes:
        path: Its absolute path.
        num_bytes: Its size.
        runs: Its stretches of sound records: of each the offset in bytes, the
            number of records, where -1 goes to the file's end, and the number
            of broken records before it.
    """

    path: str
    num_bytes: int
    runs: tuple[tuple[int, int, int], ...] = ((0, -1, 0),)

    def to_json(self) -> dict:
        """What tells it from another file, as JSON values."""
        return {"file": self.path, "num_bytes": self.num_bytes}


def find_files(patterns: Sequence[str]) -> list[InputFile]:
    """Lists the files of some patterns, each once, in the paths' order.

    Args:
        patterns: Patterns such as `"records/part-*"`, or paths.

    Raises:
        FileNotFoundError: If a pattern has no file.
        ValueError: If it has a folder, or there is no pattern.
    """
    found = set()
    for pattern in patterns:
        paths = [os.path.abspath(path) for path in glob.glob(pattern)]
        if not paths:
            raise FileNotFoundError(
                "Expected patterns of one file or more each. Received: "
                f"{pattern!r}, which no file has. Mend it; in a shell, "
                "quote it."
            )
        found.update(paths)
    if not found:
        raise ValueError(
            "Expected one pattern of files or more. Received: none. Name the "
            "files whose records are to be read."
        )
    files = []
    for path in sorted(found):
        if not os.path.isfile(path):
            raise ValueError(
                f"Expected files of records. Received: {path}, which is a "
                "folder. Name the files in it, such as folder/part-*."
            )
        files.append(InputFile(path, os.stat(path).st_size))
    return files


def check_beginnings(files: Iterable[InputFile]) -> None:
    """Looks at every file's first bytes, before much work is done.

    Raises:
        ValueError: If one is empty or does not begin as a TFRecord file does.
    """
    for file in files:
        damage = damage_at_beginning(file)
        if damage:
            raise ValueError(
                f"Expected TFRecord files, not compressed. Received: {damage}. "
                "Make or copy the file anew, or leave it out."
            )


def damage_at_beginning(file: InputFile) -> Damage | None:
    """Gives what a file's first bytes show to be wrong, if anything."""
    if not file.num_bytes:
        return Damage(file.path, 0, "an empty file")
    reason = record_framing.describe_break(file.path, 0)
    return Damage(file.path, 0, reason) if reason else None


def stem_of(file: InputFile, longest: int = 100) -> str:
    """Gives a file's name without its ending, cut where it is very long."""
    return pathlib.PurePath(file.path).stem[:longest]


READ_AHEAD = 2  # batches


@dataclasses.dataclass(frozen=True)
class Batch:
    """Clips of one file.

    Attributes:
        features: What the model takes.
        ids: Strings `(batch,)`, bytes in NumPy; empty where a clip has none.
        gaps: int64 `(batch,)`, the broken records of the file before each.
        num_bytes: What the records take in the file; 0 where that is not
            known, as a record has several clips.
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
    """Reads files one after the other, ahead of whoever takes the batches.

    A batch has clips of one file only, so that what is computed for a file
    does not depend on the others.

    Args:
        files: The files.
        description: What the records hold, with the modalities to read.
        batch_size: Clips in each batch; a file's last one may have fewer.
        sample_size: Frames taken from each clip and modality at equal
            intervals; 0 takes all.

    Yields:
        The first file's batches, then None at its end, then the next file's.

    Raises:
        tf.errors.OpError, UnicodeDecodeError: If the file that has not come
            to its end cannot be read on.
    """
    decode = clip_decoder(description, sample_size)
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


def clip_decoder(
    description: Description, sample_size: int
) -> Callable[[tf.Tensor | dict], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
    """Gives a function from a batch of clips to their ids and features.

    It takes what `parsing.expand_clips` gives, in batches. A clip without a
    frame is an error: records of another format may look like that.

    Args:
        description: What the records hold.
        sample_size: Frames taken from each clip and modality; 0 takes all.
    """
    decode = batch_decoder(description, None, sample_size)
    counts = [f"{name}_num_frames" for name in description.modalities]

    def decode_clips(batch):
        stored = parsing.parse_records(batch, description, labelled=False)
        features, _ = decode(stored, None)
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
    """Gives batches of serialized clips, an empty one at a file's end."""
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


CHECKED_AT_ONCE = 128


def first_damage(
    file: InputFile,
    description: Description,
    sample_size: int,
    offset: int = 0,
) -> Damage | None:
    """Gives the first place of a file that cannot be read, if there is one.

    Args:
        file: The file.
        description: What the records hold, with the modalities to read.
        sample_size: Frames taken from each clip; others are not looked at.
        offset: The first byte of a record; all before it is sound.
    """
    if not file.num_bytes:
        return damage_at_beginning(file)
    scan = _scan(file, description, sample_size)
    return next(scan.damage(offset), None)


def without_damage(
    file: InputFile, description: Description, sample_size: int
) -> tuple[InputFile, list[Damage]]:
    """Gives the file with its sound records only, and what is broken in it.

    Args:
        file: The file; all of it is read.
        description: What the records hold, with the modalities to read.
        sample_size: Frames taken from each clip; others are not looked at.
    """
    if not file.num_bytes:
        empty = dataclasses.replace(file, runs=())
        return empty, [damage_at_beginning(file)]
    scan = _scan(file, description, sample_size)
    found = list(scan.damage())
    broken = [damage.offset for damage in found]
    runs = tuple(
        (start, count, bisect.bisect(broken, start))
        for start, count in scan.runs
    )
    return dataclasses.replace(file, runs=runs), found


def _scan(file, description, sample_size):
    count = _clip_counter(description, sample_size)
    return FileScan(file.path, count, checked_at_once=CHECKED_AT_ONCE)


def _clip_counter(description, sample_size):
    """Gives a function that decodes records as the reader does."""
    decode = clip_decoder(description, sample_size)

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
        # Slower, but an error says in its first line what is wrong.
        return sum(len(decode(x)[0]) for x in batches_of(serialized))

    return count
