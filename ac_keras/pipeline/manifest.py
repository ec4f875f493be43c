"""The manifest of a dataset folder, `manifest.json`."""

import dataclasses
import json
import os
import pathlib

import numpy as np

from ac_keras.pipeline.description import FILE_NAME
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.description import read_values


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file of records.

    Attributes:
        file: Path of the file, absolute or relative to the dataset's folder.
        num_clips: Number of clips.
        num_bytes: Size of the file in bytes.
        runs: Runs of valid records, as pairs of an offset in bytes and a
            number of records; -1 reads to the end of the file. Not stored in
            `manifest.json`: `skip_corrupt_records` finds them.
    """

    file: str
    num_clips: int
    num_bytes: int
    runs: tuple[tuple[int, int], ...] = ((0, -1),)

    def to_json(self) -> dict:
        """Returns the shard as JSON values."""
        return {
            "file": self.file,
            "num_clips": self.num_clips,
            "num_bytes": self.num_bytes,
        }


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a dataset, such as `train`.

    Attributes:
        shards: Files of the split.
        class_counts: int64 `(num_classes,)`, number of clips of each class.
        mean_features: Mapping from modality to the mean over all frames,
            float32 `(dim,)`; zeros if no clip has the modality.
        max_num_frames: Mapping from modality to the number of frames of the
            longest clip.
        num_absent: Mapping from modality to the number of clips without it;
            empty in manifests of older versions.
        feature_deviations: Mapping from modality to the standard deviation of
            each feature over all frames, float32 `(dim,)`; zeros if no clip
            has the modality. Empty in manifests of version 0.1.0: see
            `add_deviations`.
    """

    shards: tuple[Shard, ...]
    class_counts: np.ndarray
    mean_features: dict[str, np.ndarray]
    max_num_frames: dict[str, int]
    num_absent: dict[str, int] = dataclasses.field(default_factory=dict)
    feature_deviations: dict[str, np.ndarray] = dataclasses.field(
        default_factory=dict
    )

    @property
    def num_clips(self) -> int:
        """Number of clips in the split."""
        return sum(shard.num_clips for shard in self.shards)

    @property
    def is_repaired(self) -> bool:
        """Checks whether `skip_corrupt_records` left out records of it."""
        return any(shard.runs != Shard.runs for shard in self.shards)

    def to_json(self) -> dict:
        """Returns the split as JSON values."""
        return {
            "num_clips": self.num_clips,
            "shards": [shard.to_json() for shard in self.shards],
            "max_num_frames": self.max_num_frames,
            "num_absent": self.num_absent,
            "class_counts": [int(count) for count in self.class_counts],
            "mean_features": _to_lists(self.mean_features),
            "feature_deviations": _to_lists(self.feature_deviations),
        }

    @classmethod
    def from_json(cls, values: dict) -> "Split":
        """Reads the values that `to_json` returned."""
        return cls(
            shards=tuple(Shard(**shard) for shard in values["shards"]),
            class_counts=np.asarray(values["class_counts"], np.int64),
            mean_features=_to_arrays(values["mean_features"]),
            max_num_frames=values["max_num_frames"],
            num_absent=values.get("num_absent", {}),
            feature_deviations=_to_arrays(values.get("feature_deviations", {})),
        )


def _to_lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: [float(x) for x in array] for name, array in arrays.items()}


def _to_arrays(lists: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.asarray(x, np.float32) for name, x in lists.items()}


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A complete dataset: a folder, its description and its splits.

    Attributes:
        directory: The folder.
        description: Description of the dataset.
        splits: Mapping from a split's name to its content.
    """

    directory: pathlib.Path
    description: Description
    splits: dict[str, Split]

    @classmethod
    def load(
        cls, directory: str | os.PathLike, allow_short_files: bool = False
    ) -> "Manifest":
        """Reads a folder's manifest and checks the dataset's files.

        Args:
            directory: The folder.
            allow_short_files: Whether to accept files that are shorter than
                they were written, as `skip_corrupt_records` needs.

        Raises:
            FileNotFoundError: If there is no manifest or a file is missing.
            ValueError: If the manifest has another format version, a split's
                counts or means do not fit the classes and dims, or a file has
                another size than when it was written.
        """
        directory = pathlib.Path(directory)
        values = read_values(directory)
        splits = {
            name: Split.from_json(split)
            for name, split in values["splits"].items()
        }
        manifest = cls(directory, Description.from_json(values), splits)
        manifest._check_splits()
        manifest._check_files(allow_short_files)
        return manifest

    def split(self, name: str) -> Split:
        """Returns a split by its name.

        Raises:
            ValueError: If there is no such split.
        """
        if name not in self.splits:
            raise ValueError(
                f"Expected a split among {sorted(self.splits)}. Received: "
                f"split={name!r} for {self.directory}. Name one of them."
            )
        return self.splits[name]

    def paths(self, name: str) -> list[str]:
        """Returns the paths of a split's files."""
        shards = self.split(name).shards
        return [str(self.directory / shard.file) for shard in shards]

    def dump(self) -> str:
        """Returns the text of `manifest.json`."""
        values = self.description.to_json()
        values["splits"] = {
            name: split.to_json() for name, split in self.splits.items()
        }
        return json.dumps(values, indent=1) + "\n"

    def _check_splits(self) -> None:
        description = self.description
        dims = {name: x.dim for name, x in description.modalities.items()}
        for name, split in self.splits.items():
            counted = len(split.class_counts)
            means, deviations = (
                {key: len(x) for key, x in features.items()}
                for features in (split.mean_features, split.feature_deviations)
            )
            fits = means == dims and deviations in (dims, {})
            if counted != description.num_classes or not fits:
                raise ValueError(
                    f"Expected class counts of {description.num_classes} "
                    f"classes and mean features of dims {dims} in split "
                    f"{name!r}. Received: {counted} counts, mean features of "
                    f"dims {means} and feature deviations of {deviations} "
                    f"in {self.directory / FILE_NAME}. Prepare the dataset "
                    "again."
                )

    def _check_files(self, allow_short: bool) -> None:
        for split in self.splits.values():
            for shard in split.shards:
                path = self.directory / shard.file
                size = path.stat().st_size if path.is_file() else None
                if size == shard.num_bytes or (
                    allow_short and size is not None and size < shard.num_bytes
                ):
                    continue
                error = FileNotFoundError if size is None else ValueError
                found = "no such file" if size is None else f"{size} bytes"
                raise error(
                    f"Expected {shard.num_bytes} bytes in {path}, as its "
                    f"{FILE_NAME} states. Received: {found}. Copy the file "
                    "again or prepare the dataset again."
                )
