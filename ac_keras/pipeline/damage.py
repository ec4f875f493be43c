"""Finding what is broken in a split's files, and reading around it."""

import dataclasses
import functools
from collections.abc import Iterator
from collections.abc import Sequence

from ac_keras.pipeline import clip_check
from ac_keras.pipeline.file_scan import Damage
from ac_keras.pipeline.file_scan import FileScan
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard


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
        clip_check.count_clips,
        description=manifest.description,
        longest=held.max_num_frames,
    )
    for path, shard in zip(manifest.paths(split), held.shards, strict=True):
        yield FileScan(path, check, shard)
