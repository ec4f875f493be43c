"""Finding what is broken in a split's files, and reading around it."""

import dataclasses
import pathlib
import re
import struct
from collections.abc import Iterator

import tensorflow as tf

from ac_keras.pipeline import records
from ac_keras.pipeline import shards
from ac_keras.pipeline.batch_decoder import check_finite
from ac_keras.pipeline.manifest import Description
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard

# Around a record's data: its length and two checksums.
FRAMING_BYTES = 16
CHECKED_AT_ONCE = 32


@dataclasses.dataclass(frozen=True)
class Damage:
    """A record, or a file's end, that cannot be used.

    Attributes:
        path: The file.
        offset: Where it begins, in bytes.
        reason: What is wrong.
    """

    path: str
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, byte {self.offset}: {self.reason}"


def find_damage(manifest: Manifest, split: str) -> Iterator[Damage]:
    """Reads a split and yields what is broken, in the files' order.

    Records whose checksum or content is wrong are found one by one. A file
    that ends within a record, or whose lengths are garbled, is given up
    there.
    """
    for path in manifest.paths(split):
        yield from _Scan(path, manifest.description).damage()


def skip_damage(
    manifest: Manifest, split: str
) -> tuple[Manifest, list[Damage]]:
    """Gives a manifest whose readers leave broken records out.

    Args:
        manifest: The dataset.
        split: The split's name; all of it is read once.

    Returns:
        A manifest with that split's sound records and their number, and what
        was left out. Class counts and means stay those of the whole.

    Raises:
        ValueError: If a whole file is broken.
    """
    held, sound, found = manifest.split(split), [], []
    for path, shard in zip(manifest.paths(split), held.shards, strict=True):
        scan = _Scan(path, manifest.description)
        found += scan.damage()
        sound.append(scan.repaired(shard))
    splits = dict(manifest.splits)
    splits[split] = dataclasses.replace(held, shards=tuple(sound))
    return dataclasses.replace(manifest, splits=splits), found


class _Scan:
    """One reading of a file: what is sound in it and what is not."""

    def __init__(self, path: str, description: Description):
        self.path, self.description = path, description
        self.size = pathlib.Path(path).stat().st_size
        self.runs: list[tuple[int, int]] = []
        self.num_clips = 0
        self._end = -1  # of the last run

    def damage(self) -> Iterator[Damage]:
        offset = 0
        while offset < self.size:
            block, error = [], None
            try:
                for record in self._read(offset):
                    block.append((offset, record))
                    offset += FRAMING_BYTES + len(record)
            except tf.errors.DataLossError as raised:
                error = raised
            yield from self._check(block)
            if error is not None:
                yield Damage(self.path, offset, _reason(error))
                offset = self._after(offset)

    def repaired(self, shard: Shard) -> Shard:
        """Gives the shard that is left, once all damage is known."""
        return dataclasses.replace(
            shard, runs=tuple(self.runs), num_clips=self.num_clips
        )

    def _read(self, offset):
        """Yields the next records, serialized."""
        run = {
            "path": tf.constant(self.path),
            "offset": tf.constant(offset, tf.int64),
            "num_records": tf.constant(CHECKED_AT_ONCE, tf.int64),
        }
        # Inside of a function: TensorFlow loses the offset of an outer one.
        serialized = tf.data.Dataset.from_tensors(run).flat_map(shards.open_run)
        yield from serialized.as_numpy_iterator()

    def _after(self, offset):
        """Where the next record begins, if this one's length is right."""
        with open(self.path, "rb") as file:
            file.seek(offset)
            header = file.read(8)
        if len(header) < 8:
            return self.size
        return offset + FRAMING_BYTES + struct.unpack("<Q", header)[0]

    def _check(self, block):
        """Takes a block's sound records in; halves it to find the others."""
        if not block:
            return
        try:
            self.num_clips += self._count_clips([x for _, x in block])
        except tf.errors.InvalidArgumentError as error:
            if len(block) == 1:
                yield Damage(self.path, block[0][0], _reason(error))
                return
            half = len(block) // 2
            yield from self._check(block[:half])
            yield from self._check(block[half:])
            return
        offset, (last, record) = block[0][0], block[-1]
        if offset == self._end:
            start, count = self.runs.pop()
            self.runs.append((start, count + len(block)))
        else:
            self.runs.append((offset, len(block)))
        self._end = last + FRAMING_BYTES + len(record)

    def _count_clips(self, block):
        """Decodes everything in some records and counts their clips."""
        serialized = tf.data.Dataset.from_tensor_slices(block)
        clips = records.expand_clips(serialized, self.description)
        num_clips = 0
        for batch in clips.batch(CHECKED_AT_ONCE):
            stored = records.parse_records(batch, self.description)
            for name, modality in self.description.modalities.items():
                num_frames = records.count_frames(stored[name], modality)
                slots = tf.maximum(tf.reduce_max(num_frames), 1)
                frames = records.decode_all_frames(
                    stored[name], modality, slots
                )
                check_finite(name, modality, frames, stored["id"])
            num_clips += len(stored["id"])
        return num_clips


def _reason(error):
    """Gives what an error of TensorFlow says, without its surroundings."""
    message = re.sub(r"^\{\{.*?\}\}\s*", "", error.message)
    said = re.search(r"Summarized data: b([\"'])(.*)\1", message)
    return said[2] if said else message.splitlines()[0].split(" [Op:")[0]
