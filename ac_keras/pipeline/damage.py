"""Finding what is broken in a split's files, and reading around it."""

import dataclasses
import pathlib
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import clip_check
from ac_keras.pipeline import record_framing
from ac_keras.pipeline import shards
from ac_keras.pipeline.manifest import Description
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.record_framing import FRAMING_BYTES

CHECKED_AT_ONCE = 32
WRONG_DATA = "a record whose data has a wrong checksum"


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

    Records whose checksum or content is wrong are found one by one. Where a
    length is wrong, the search goes on at the next place that looks like a
    record's beginning. A file that is shorter than the manifest tells, or has
    another number of clips, is damaged at its end. What `skip_damage` left out
    is not told again.
    """
    for scan in _scans(manifest, split):
        if scan.shard.runs == Shard.runs:
            yield from scan.damage()
        else:
            yield from filter(scan.is_new, list(scan.damage()))


def skip_damage(
    manifest: Manifest, splits: Sequence[str]
) -> tuple[Manifest, list[Damage]]:
    """Gives a manifest whose readers leave broken records out.

    Args:
        manifest: The dataset.
        splits: Names of splits; all of them is read once.

    Returns:
        A manifest with those splits' sound records and their number, and
        what was left out. Class counts and means stay those of the whole.
    """
    repaired, found = dict(manifest.splits), []
    for split in splits:
        shards_left = []
        for scan in _scans(manifest, split):
            found += scan.damage()
            shards_left.append(scan.repaired())
        repaired[split] = dataclasses.replace(
            manifest.split(split), shards=tuple(shards_left)
        )
    return dataclasses.replace(manifest, splits=repaired), found


def _scans(manifest, split):
    held = manifest.split(split)
    for path, shard in zip(manifest.paths(split), held.shards, strict=True):
        yield _Scan(path, shard, manifest.description, held.max_num_frames)


class _Scan:
    """One reading of a file: what is sound in it and what is not."""

    def __init__(
        self,
        path: str,
        shard: Shard,
        description: Description,
        longest: Mapping[str, int],
    ):
        self.path, self.shard, self.description = path, shard, description
        self.longest = longest
        self.size = pathlib.Path(path).stat().st_size
        self.runs: list[tuple[int, int]] = []
        self.num_clips = 0
        self._end = -1  # of the last run

    def damage(self) -> Iterator[Damage]:
        offset, found = 0, None
        while offset < self.size:
            block, is_broken = [], False
            try:
                for record in self._read(offset):
                    block.append((offset, record))
                    offset += FRAMING_BYTES + len(record)
            except tf.errors.DataLossError:
                is_broken = True
            for found in self._check(block):
                yield found
            # TensorFlow takes less than a header for a file's sound end.
            ended = len(block) < CHECKED_AT_ONCE
            if is_broken or (ended and offset < self.size):
                broken = record_framing.describe_break(self.path, offset)
                found = Damage(self.path, offset, broken or WRONG_DATA)
                yield found
                offset = self._after(offset, broken)
        yield from self._compare(found)

    def is_new(self, damage: Damage) -> bool:
        """Whether it broke a run of a repaired shard, once all is known."""
        runs = [run for run in self.shard.runs if run[0] <= damage.offset]
        return bool(runs) and runs[-1] not in self.runs

    def repaired(self) -> Shard:
        """Gives the shard that is left, once all damage is known."""
        starts = [start for start, _ in self.runs]
        whole = starts == [0] and self._end == self.shard.num_bytes
        if whole and self.num_clips == self.shard.num_clips:
            return self.shard
        return dataclasses.replace(
            self.shard, runs=tuple(self.runs), num_clips=self.num_clips
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

    def _after(self, offset, broken):
        """Where to go on behind a broken record."""
        found = record_framing.find_record(self.path, offset + 1)
        if broken is not None:
            return found
        return min(found, record_framing.record_end(self.path, offset))

    def _compare(self, found):
        """Yields what the manifest tells otherwise than the file."""
        if self.shard.runs != Shard.runs:
            return  # of a shard that was repaired
        missing = self.shard.num_bytes - self.size
        if missing > 0 and (found is None or "cut off" not in found.reason):
            reason = f"the file ends {missing} bytes before its time"
            yield Damage(self.path, self.size, reason)
        elif found is None and self.num_clips != self.shard.num_clips:
            reason = (
                f"the file ends after {self.num_clips} clips, where the "
                f"manifest tells {self.shard.num_clips}"
            )
            yield Damage(self.path, self.size, reason)

    def _check(self, block):
        """Takes a block's sound records in; halves it to find the others."""
        if not block:
            return
        try:
            self.num_clips += clip_check.count_clips(
                [x for _, x in block], self.description, self.longest
            )
        except clip_check.UNUSABLE as error:
            if len(block) == 1:
                yield Damage(
                    self.path, block[0][0], clip_check.reason_of(error)
                )
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
