"""Finding what is broken in a split's files, and reading around it."""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.decoding import check_finite
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.record_framing import FRAMING_BYTES
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard

# A message that quotes the bytes that it could not parse is no UTF-8.
UNUSABLE = (tf.errors.InvalidArgumentError, UnicodeDecodeError)
NOT_PARSED = "Could not parse example|Invalid protocol message"
UNPARSED = "a record that is no message of its format"


def count_clips(
    serialized: Sequence[bytes],
    description: Description,
    longest: Mapping[str, int],
) -> int:
    """Decodes everything in some records and counts their clips.

    Args:
        serialized: The records.
        description: What they hold.
        longest: Mapping from modality to the longest clip's frames.

    Raises:
        tf.errors.InvalidArgumentError, UnicodeDecodeError: If a clip cannot be
            used, as the readers find it.
    """
    dataset = tf.data.Dataset.from_tensor_slices(serialized)
    clips = parsing.expand_clips(dataset, description)
    num_clips = 0
    for batch in clips.batch(len(serialized)):
        stored = parsing.parse_records(batch, description)
        for name, modality in description.modalities.items():
            num_frames = decoding.count_frames(stored[name], modality)
            slots = tf.minimum(tf.reduce_max(num_frames), longest[name])
            slots = tf.maximum(slots, 1)  # as the reader has
            frames = decoding.decode_all_frames(stored[name], modality, slots)
            check_finite(name, modality, frames, stored["id"])
        num_clips += len(stored["id"])
    return num_clips


def reason_of(error: Exception) -> str:
    """Gives what an error of TensorFlow says, without its surroundings."""
    if isinstance(error, UnicodeDecodeError):
        return UNPARSED
    message = re.sub(r"^\{\{.*?\}\}\s*", "", error.message)
    if re.search(NOT_PARSED, message):
        return UNPARSED
    _, _, said = message.partition("Summarized data: ")
    if not said:
        return message.splitlines()[0].split(" [Op:")[0].rstrip(".")
    lines = said.split(" [Op:")[0].splitlines()
    return re.sub(r"\bb([\"'])(.*?)\1", r"\2", " ".join(lines)).strip()


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


class FileScan:
    """One reading of a file: what is sound in it and what is not.

    Args:
        path: The file.
        check: Counts the clips of some serialized records; raises one of
            `clip_check.UNUSABLE` if one of them cannot be used.
        shard: What a manifest tells of the file, if it is of a dataset.
        checked_at_once: How many records are given to `check`, at most.

    Attributes:
        runs: Once all damage is known, the stretches of sound records, as
            `Shard.runs` has them.
        num_clips: The number of clips in these.
    """

    def __init__(
        self,
        path: str,
        check: Callable[[Sequence[bytes]], int],
        shard: Shard | None = None,
        checked_at_once: int = CHECKED_AT_ONCE,
    ):
        self.path, self.check, self.shard = path, check, shard
        self.checked_at_once = checked_at_once
        self.size = pathlib.Path(path).stat().st_size
        self.runs: list[tuple[int, int]] = []
        self.num_clips = 0
        self._end = -1  # of the last run

    def damage(self, offset: int = 0) -> Iterator[Damage]:
        """Reads the file from an offset on and yields what is broken."""
        found = None
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
            ended = len(block) < self.checked_at_once
            if is_broken or (ended and offset < self.size):
                broken = record_framing.describe_break(self.path, offset)
                found = Damage(self.path, offset, broken or WRONG_DATA)
                yield found
                offset = self._after(offset, broken)
        # A shard that was repaired is known to differ.
        if self.shard and self.shard.runs == Shard.runs:
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
            "num_records": tf.constant(self.checked_at_once, tf.int64),
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
            self.num_clips += self.check([x for _, x in block])
        except UNUSABLE as error:
            if len(block) == 1:
                yield Damage(self.path, block[0][0], reason_of(error))
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
    check = functools.partial(
        count_clips,
        description=manifest.description,
        longest=held.max_num_frames,
    )
    for path, shard in zip(manifest.paths(split), held.shards, strict=True):
        yield FileScan(path, check, shard)
