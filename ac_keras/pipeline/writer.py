"""Writing of dataset folders, shard by shard."""

import json
import os
import pathlib
from collections.abc import Callable
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
import tqdm

from ac_keras.pipeline import description as descriptions
from ac_keras.pipeline.clip import Clip
from ac_keras.pipeline.clip import encode_clip
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split
from ac_keras.utils import atomic_file
from ac_keras.utils.frame_moments import FrameMoments

PLAN = "writing.json"


class ShardTotals:
    """Counts and float64 sums over the clips of a shard, in their order."""

    def __init__(self, description: Description):
        self.modalities = description.modalities
        self.num_clips = 0
        self.class_counts = np.zeros(description.num_classes, np.int64)
        self.moments = {
            name: FrameMoments(modality.dim)
            for name, modality in self.modalities.items()
        }
        self.max_num_frames = dict.fromkeys(self.modalities, 0)
        self.num_absent = dict.fromkeys(self.modalities, 0)

    def add(self, example: tf.train.Example) -> None:
        """Adds a clip."""
        feature = example.features.feature
        self.num_clips += 1
        self.class_counts[list(feature["labels"].int64_list.value)] += 1
        for name, modality in self.modalities.items():
            frames = modality.decode(feature[name].bytes_list.value[0])
            self.moments[name].add(frames)
            longest = max(self.max_num_frames[name], len(frames))
            self.max_num_frames[name] = longest
            self.num_absent[name] += len(frames) == 0

    def merge(self, other: "ShardTotals") -> None:
        """Adds the totals of another shard."""
        self.num_clips += other.num_clips
        self.class_counts += other.class_counts
        for name in self.modalities:
            self.moments[name].merge(other.moments[name])
            self.num_absent[name] += other.num_absent[name]
            self.max_num_frames[name] = max(
                self.max_num_frames[name], other.max_num_frames[name]
            )

    def split(self, shards: list[Shard]) -> Split:
        """Returns the split that consists of these files."""
        return Split(
            tuple(shards),
            self.class_counts,
            {n: x.mean.astype(np.float32) for n, x in self.moments.items()},
            self.max_num_frames,
            self.num_absent,
            {
                n: x.deviation.astype(np.float32)
                for n, x in self.moments.items()
            },
        )


def write_shard_file(
    path: str | os.PathLike, clips: Iterable[Clip], description: Description
) -> ShardTotals:
    """Writes a file of records, which appears when it is complete.

    Returns:
        The totals of the file.

    Raises:
        ValueError: If a clip does not fit the description. No file is written
            then.
    """
    totals = ShardTotals(description)
    with atomic_file.atomic_path(path) as partial:
        with tf.io.TFRecordWriter(str(partial)) as file:
            for clip in clips:
                example = encode_clip(clip, description)
                file.write(example.SerializeToString(deterministic=True))
                totals.add(example)
    return totals


class DatasetWriter:
    """Writes a dataset folder, shard by shard.

    The same clips give the same bytes. A shard's file appears when it is
    complete, and the manifest when all shards are. Until then the folder
    holds the plan, `writing.json`. A writer that is started again with the
    same description continues where the last one stopped.

    Example:
        writer = DatasetWriter(directory, description, {"train": 16})
        manifest = writer.write(make_clips)  # make_clips(split, index)

    Args:
        directory: The folder, created if it does not exist.
        description: Description of the dataset.
        num_shards: Mapping from a split's name to its number of files.

    Raises:
        ValueError: If the folder holds another dataset or its plan.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        description: Description,
        num_shards: dict[str, int],
    ):
        if description.record_format != descriptions.OWN_RECORDS:
            raise ValueError(
                "DatasetWriter expects a description of record_format 'clip'. "
                f"Received: record_format={description.record_format!r}. "
                "Leave it out, or use scan_records for external records."
            )
        self.directory = pathlib.Path(directory)
        self.description = description
        self.num_shards = dict(num_shards)
        self._totals: dict[tuple[str, int], ShardTotals] = {}
        self.directory.mkdir(parents=True, exist_ok=True)
        atomic_file.sweep(self.directory)
        self._compare(self._plan())
        if not self.is_complete:
            self._write_plan()

    @property
    def is_complete(self) -> bool:
        """Checks whether the folder holds the complete dataset."""
        return (self.directory / descriptions.FILE_NAME).is_file()

    def path(self, split: str, index: int) -> pathlib.Path:
        """Returns the path of a shard's file."""
        count = self.num_shards[split]
        name = f"{split}-{index:05d}-of-{count:05d}.tfrecord"
        return self.directory / name

    def missing_shards(self) -> list[tuple[str, int]]:
        """Lists the shards that are not written yet, as (split, index)."""
        if self.is_complete:
            return []
        return [
            (split, index)
            for split, count in self.num_shards.items()
            for index in range(count)
            if not self.path(split, index).is_file()
        ]

    def write(self, clips_of: Callable[[str, int], Iterable[Clip]]) -> Manifest:
        """Writes the missing shards and the manifest, with a progress bar.

        Args:
            clips_of: Function that makes a shard's clips, from its split and
                index.

        Returns:
            The manifest of the complete dataset.
        """
        missing = self.missing_shards()
        total, clips = sum(self.num_shards.values()), 0
        with tqdm.tqdm(
            total=total,
            initial=total - len(missing),
            desc=f"Writing {self.description.name}",
            unit="shard",
        ) as bar:
            for split, index in missing:
                self.write_shard(split, index, clips_of(split, index))
                clips += self._totals[split, index].num_clips
                bar.set_postfix(clips=clips, refresh=False)
                bar.update()
        return self.finish()

    def write_shard(
        self, split: str, index: int, clips: Iterable[Clip]
    ) -> None:
        """Writes one shard, as `write_shard_file`."""
        path = self.path(split, index)
        self.add_shard(
            split, index, write_shard_file(path, clips, self.description)
        )

    def add_shard(self, split: str, index: int, totals: ShardTotals) -> None:
        """Adds the totals of a shard that another process has written.

        Without them `finish` reads the shard.
        """
        self._totals[split, index] = totals

    def reopen(self, paths: Iterable[pathlib.Path]) -> None:
        """Removes some shards' files and the manifest, to write them again."""
        paths = list(paths)
        if paths and self.is_complete:
            self._write_plan()  # first: one of the two always exists
            (self.directory / descriptions.FILE_NAME).unlink()
        for path in paths:
            path.unlink(missing_ok=True)

    def finish(self) -> Manifest:
        """Writes the manifest, which makes the folder a dataset.

        Raises:
            RuntimeError: If a shard is missing.
        """
        if not self.is_complete:
            missing = self.missing_shards()
            if missing:
                raise RuntimeError(
                    "finish expects all shards to be written. Received: "
                    f"{len(missing)} missing, first {missing[0]}."
                )
            splits = {name: self._split(name) for name in self.num_shards}
            manifest = Manifest(self.directory, self.description, splits)
            path = self.directory / descriptions.FILE_NAME
            atomic_file.write_text(path, manifest.dump())
        atomic_file.sweep(self.directory)  # left by killed processes
        (self.directory / PLAN).unlink(missing_ok=True)
        return Manifest.load(self.directory)

    def _plan(self) -> dict:
        return {**self.description.to_json(), "num_shards": self.num_shards}

    def _write_plan(self) -> None:
        text = json.dumps(self._plan(), indent=1) + "\n"
        atomic_file.write_text(self.directory / PLAN, text)

    def _compare(self, plan: dict) -> None:
        """Checks that the folder is empty or belongs to the plan."""
        for name in (descriptions.FILE_NAME, PLAN):
            path = self.directory / name
            if path.is_file():
                found = json.loads(path.read_text(encoding="utf-8"))
                if name == descriptions.FILE_NAME:
                    found["num_shards"] = {
                        split: len(values["shards"])
                        for split, values in found.pop("splits").items()
                    }
                _raise_difference(self.directory, plan, found)
                return
        if any(self.directory.glob("*.tfrecord")):
            raise ValueError(
                "DatasetWriter expects an empty folder or one with a plan. "
                f"Received: {self.directory}, with records and no plan. Name "
                "another folder."
            )

    def _split(self, split: str) -> Split:
        totals, shards = ShardTotals(self.description), []
        for index in range(self.num_shards[split]):
            path = self.path(split, index)
            part = self._totals.get((split, index))
            if part is None:  # written by an earlier run
                part = _read_totals(path, self.description)
            size = path.stat().st_size
            shards.append(Shard(path.name, part.num_clips, size))
            totals.merge(part)
        return totals.split(shards)


def _read_totals(path: pathlib.Path, description: Description) -> ShardTotals:
    """Computes the totals of a file that was written earlier."""
    totals = ShardTotals(description)
    for record in tf.data.TFRecordDataset(str(path)):
        totals.add(tf.train.Example.FromString(record.numpy()))
    return totals


def _raise_difference(directory, plan: dict, found: dict) -> None:
    differences = [
        f"{key}: expected {short_json(plan.get(key))}, found "
        f"{short_json(found.get(key))}"
        for key in sorted(set(plan) | set(found))
        if json.loads(json.dumps(plan.get(key))) != found.get(key)
    ]
    if differences:
        raise ValueError(
            f"DatasetWriter expects {directory} to be empty or of the same "
            f"description. Received: {'; '.join(differences)}. Name another "
            "folder, or remove this one."
        )


def short_json(value, limit: int = 200) -> str:
    """Formats a value as JSON, cut off if it is long."""
    text = json.dumps(value)
    return text if len(text) <= limit else text[:limit] + "..."
