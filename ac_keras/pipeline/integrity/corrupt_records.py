"""Search for corrupt records in a split's files, and reading around them."""

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
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity import record_framing
from ac_keras.pipeline.integrity.record_framing import FRAMING_BYTES
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard

CHECKED_AT_ONCE = 32
WRONG_DATA = "a record whose data has a wrong checksum"
UNPARSED = "a record that is no message of its format"
_NOT_PARSED = "Could not parse example|Invalid protocol message"
# A message that quotes the bytes that it could not parse is no UTF-8.
_UNUSABLE = (tf.errors.InvalidArgumentError, UnicodeDecodeError)


@dataclasses.dataclass(frozen=True)
class CorruptRecord:
    """A record, or the end of a file, that cannot be used.

    Attributes:
        path: The file.
        offset: First byte of the record.
        reason: Description of the error.
    """

    path: str
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}, byte {self.offset}: {self.reason}"


def find_corrupt_records(
    manifest: Manifest, split: str
) -> Iterator[CorruptRecord]:
    """Reads a split and yields its corrupt records, in the files' order.

    Records whose checksum or content is wrong are found one by one. Where a
    length is wrong, the search continues at the next place that may be the
    beginning of a record. A file that is shorter than the manifest states, or
    has another number of clips, is corrupt at its end. Records that
    `skip_corrupt_records` left out are not reported again.
    """
    for scan in _scans(manifest, split):
        if scan.shard.runs == Shard.runs:
            yield from scan.find()
        else:
            yield from filter(scan.is_new, list(scan.find()))


def skip_corrupt_records(
    manifest: Manifest, splits: Sequence[str]
) -> tuple[Manifest, list[CorruptRecord]]:
    """Returns a manifest whose readers leave corrupt records out.

    Args:
        manifest: The dataset.
        splits: Names of splits. All their records are read once.

    Returns:
        A manifest with the valid records of those splits and their number,
        and the corrupt records. Class counts and means do not change.
    """
    repaired, found = dict(manifest.splits), []
    for split in splits:
        shards_left = []
        for scan in _scans(manifest, split):
            found += scan.find()
            shards_left.append(scan.repaired())
        repaired[split] = dataclasses.replace(
            manifest.split(split), shards=tuple(shards_left)
        )
    return dataclasses.replace(manifest, splits=repaired), found


class FileScan:
    """One reading of a file that separates valid and corrupt records.

    `check` counts the clips of up to `checked_at_once` serialized records, and
    raises `tf.errors.InvalidArgumentError` or `UnicodeDecodeError` if one of
    them cannot be used. `shard` is the file's entry in a manifest, if any.

    Attributes:
        runs: Runs of valid records, as `Shard.runs`, after `find` has ended.
        num_clips: Number of clips in the runs.
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

    def find(self, offset: int = 0) -> Iterator[CorruptRecord]:
        """Reads the file from an offset on and yields its corrupt records."""
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
            # TensorFlow takes less than a header for a file's regular end.
            ended = len(block) < self.checked_at_once
            if is_broken or (ended and offset < self.size):
                broken = record_framing.describe_break(self.path, offset)
                found = CorruptRecord(self.path, offset, broken or WRONG_DATA)
                yield found
                following = record_framing.find_record(self.path, offset + 1)
                if broken is None:
                    end = record_framing.record_end(self.path, offset)
                    following = min(following, end)
                offset = following
        # A shard that was repaired is known to differ.
        if self.shard and self.shard.runs == Shard.runs:
            yield from self._compare(found)

    def is_new(self, found: CorruptRecord) -> bool:
        """Checks whether a corrupt record lies in a run of the shard.

        Call it after `find` has ended.
        """
        runs = [run for run in self.shard.runs if run[0] <= found.offset]
        return bool(runs) and runs[-1] not in self.runs

    def repaired(self) -> Shard:
        """Returns the shard without its corrupt records.

        Call it after `find` has ended.
        """
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
        # In a function: TensorFlow drops the offset of an outermost dataset.
        serialized = tf.data.Dataset.from_tensors(run).flat_map(shards.open_run)
        yield from serialized.as_numpy_iterator()

    def _compare(self, found):
        """Yields the differences between the manifest and the file."""
        missing = self.shard.num_bytes - self.size
        if missing > 0 and (found is None or "cut off" not in found.reason):
            reason = f"the file ends {missing} bytes too early"
            yield CorruptRecord(self.path, self.size, reason)
        elif found is None and self.num_clips != self.shard.num_clips:
            reason = (
                f"the file ends after {self.num_clips} clips, where the "
                f"manifest states {self.shard.num_clips}"
            )
            yield CorruptRecord(self.path, self.size, reason)

    def _check(self, block):
        """Adds a block's valid records; halves it to find the others."""
        if not block:
            return
        try:
            self.num_clips += self.check([x for _, x in block])
        except _UNUSABLE as error:
            if len(block) == 1:
                yield CorruptRecord(self.path, block[0][0], _reason(error))
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


def _scans(manifest, split):
    held = manifest.split(split)
    check = functools.partial(
        _count_clips,
        description=manifest.description,
        longest=held.max_num_frames,
    )
    for path, shard in zip(manifest.paths(split), held.shards, strict=True):
        yield FileScan(path, check, shard)


def _count_clips(
    serialized: Sequence[bytes],
    description: Description,
    longest: Mapping[str, int],
) -> int:
    """Decodes and counts the clips of some records, as the readers do."""
    dataset = tf.data.Dataset.from_tensor_slices(serialized)
    clips = parsing.expand_clips(dataset, description)
    num_clips = 0
    for batch in clips.batch(len(serialized)):
        stored = parsing.parse_records(batch, description)
        for name, modality in description.modalities.items():
            num_frames = decoding.count_frames(stored[name], modality)
            slots = tf.minimum(tf.reduce_max(num_frames), longest[name])
            slots = tf.maximum(slots, 1)  # as in the readers
            frames = decoding.decode_all_frames(stored[name], modality, slots)
            decoding.check_finite(name, modality, frames, stored["id"])
        num_clips += len(stored["id"])
    return num_clips


def _reason(error):
    """Returns the message of an error of TensorFlow without its context."""
    if isinstance(error, UnicodeDecodeError):
        return UNPARSED
    message = re.sub(r"^\{\{.*?\}\}\s*", "", error.message)
    if re.search(_NOT_PARSED, message):
        return UNPARSED
    _, _, said = message.partition("Summarized data: ")
    if not said:
        return message.splitlines()[0].split(" [Op:")[0].rstrip(".")
    lines = said.split(" [Op:")[0].splitlines()
    return re.sub(r"\bb([\"'])(.*?)\1", r"\2", " ".join(lines)).strip()
