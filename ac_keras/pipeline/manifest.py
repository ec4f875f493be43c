"""What a dataset folder holds, as its `manifest.json` tells."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ac_keras.pipeline.modality import RESERVED
from ac_keras.pipeline.modality import Modality

FORMAT_VERSION = 1
FILE_NAME = "manifest.json"
OWN_RECORDS = "clip"
RECORD_FORMATS = (
    OWN_RECORDS,
    "youtube8m",
    "youtube8m_segments",
    "mediasequence",
)


@dataclasses.dataclass(frozen=True)
class Description:
    """What is known of a dataset before its clips are.

    Attributes:
        name: The dataset's name.
        class_names: One name a class, in the order of the labels.
        modalities: Mapping from a modality's name to its layout.
        multi_label: Whether a clip has any number of labels rather than one.
        seed: The seed that it was made from, if any.
        settings: Everything else that decides what the records hold. Two
            folders of equal descriptions hold equal bytes.
        record_format: Whose records they are: `"clip"` for those that
            `DatasetWriter` writes, else one of `RECORD_FORMATS`.

    Raises:
        ValueError: If a modality's name is reserved or there is none, or the
            record format is unknown or cannot hold a modality's dtype.
    """

    name: str
    class_names: tuple[str, ...]
    modalities: dict[str, Modality]
    multi_label: bool = False
    seed: int | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    record_format: str = OWN_RECORDS

    def __post_init__(self):
        object.__setattr__(self, "class_names", tuple(self.class_names))
        bad = [
            name
            for name in self.modalities
            if name in RESERVED or not name.isidentifier()
        ]
        if bad or not self.modalities:
            raise ValueError(
                "Description expects modalities with names such as 'rgb': "
                f"letters, digits and underscores, none of {RESERVED}. "
                f"Received: {bad or 'no modality'}."
            )
        self._check_record_format()

    def _check_record_format(self) -> None:
        if self.record_format not in RECORD_FORMATS:
            raise ValueError(
                f"Description expects a record format among {RECORD_FORMATS}. "
                f"Received: record_format={self.record_format!r}. Choose the "
                "one whose keys the records have."
            )
        dtypes = {name: m.dtype for name, m in self.modalities.items()}
        all_floats = set(dtypes.values()) == {"float32"}
        if self.record_format == "mediasequence" and not all_floats:
            raise ValueError(
                "Description expects float32 modalities of MediaSequence "
                f"records, which hold floats. Received: {dtypes}. Describe "
                "them as Modality(dim)."
            )

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def select(self, names: Sequence[str] | None) -> "Description":
        """Gives the same description with some of its modalities only.

        Raises:
            ValueError: If there is none of a name.
        """
        if names is None:
            return self
        unknown = sorted(set(names) - set(self.modalities))
        if unknown:
            raise ValueError(
                f"Expected modalities among {list(self.modalities)}, which "
                f"{self.name} has. Received: {unknown}."
            )
        chosen = {name: self.modalities[name] for name in names}
        return dataclasses.replace(self, modalities=chosen)

    def to_json(self) -> dict:
        """The description as JSON values; `record_format` where not ours."""
        other = {"record_format": self.record_format}
        return {
            "format_version": FORMAT_VERSION,
            **(other if self.record_format != OWN_RECORDS else {}),
            "name": self.name,
            "seed": self.seed,
            "settings": self.settings,
            "multi_label": self.multi_label,
            "modalities": {
                name: modality.to_json()
                for name, modality in self.modalities.items()
            },
            "class_names": list(self.class_names),
        }

    @classmethod
    def from_json(cls, values: dict) -> "Description":
        """Reads what `to_json` gave."""
        return cls(
            name=values["name"],
            class_names=tuple(values["class_names"]),
            modalities={
                name: Modality.from_json(modality)
                for name, modality in values["modalities"].items()
            },
            multi_label=values["multi_label"],
            seed=values["seed"],
            settings=values["settings"],
            record_format=values.get("record_format", OWN_RECORDS),
        )

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "Description":
        """Reads the description in a folder's manifest and nothing else.

        The dataset's files may be missing, and the manifest need not list
        any, as the one in a SavedModel's `assets` does not.

        Args:
            directory: The folder.

        Raises:
            FileNotFoundError: If there is no manifest.
            ValueError: If the format is another version's.
        """
        return cls.from_json(_read_values(pathlib.Path(directory)))


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file of records.

    Attributes:
        file: Its name in the dataset's folder, or its path, absolute or
            from that folder, if it lies elsewhere.
        num_clips: How many clips it holds.
        num_bytes: Its size.
        runs: Its stretches of sound records, as pairs of an offset in bytes
            and a number of records; -1 goes to the file's end. Not kept in
            the manifest's file: `skip_damage` finds them.
    """

    file: str
    num_clips: int
    num_bytes: int
    runs: tuple[tuple[int, int], ...] = ((0, -1),)

    def to_json(self) -> dict:
        """The shard as JSON values."""
        return {
            "file": self.file,
            "num_clips": self.num_clips,
            "num_bytes": self.num_bytes,
        }


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a dataset, such as `train`.

    Attributes:
        shards: Its files.
        class_counts: Clips for each class, int64 `(num_classes,)`.
        mean_features: Mapping from modality to the mean over all frames,
            float32 `(dim,)`; zeros where no clip has the modality.
        max_num_frames: Mapping from modality to the longest clip's frames.
        num_absent: Mapping from modality to the number of clips that lack it;
            empty if the manifest was written before this was counted.
    """

    shards: tuple[Shard, ...]
    class_counts: np.ndarray
    mean_features: dict[str, np.ndarray]
    max_num_frames: dict[str, int]
    num_absent: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def num_clips(self) -> int:
        """How many clips the split holds."""
        return sum(shard.num_clips for shard in self.shards)

    @property
    def is_repaired(self) -> bool:
        """Whether it is what `skip_damage` left."""
        return any(shard.runs != Shard.runs for shard in self.shards)

    def to_json(self) -> dict:
        """The split as JSON values."""
        return {
            "num_clips": self.num_clips,
            "shards": [shard.to_json() for shard in self.shards],
            "max_num_frames": self.max_num_frames,
            "num_absent": self.num_absent,
            "class_counts": [int(count) for count in self.class_counts],
            "mean_features": {
                name: [float(x) for x in mean]
                for name, mean in self.mean_features.items()
            },
        }

    @classmethod
    def from_json(cls, values: dict) -> "Split":
        """Reads what `to_json` gave."""
        return cls(
            shards=tuple(Shard(**shard) for shard in values["shards"]),
            class_counts=np.asarray(values["class_counts"], np.int64),
            mean_features={
                name: np.asarray(mean, np.float32)
                for name, mean in values["mean_features"].items()
            },
            max_num_frames=values["max_num_frames"],
            num_absent=values.get("num_absent", {}),
        )


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A complete dataset: a folder, what it is and what lies in it.

    Attributes:
        directory: The folder.
        description: What the dataset is.
        splits: Mapping from a split's name to what it holds.
    """

    directory: pathlib.Path
    description: Description
    splits: dict[str, Split]

    @classmethod
    def load(
        cls, directory: str | os.PathLike, allow_short_files: bool = False
    ) -> "Manifest":
        """Reads a folder's manifest and checks that its files are there.

        Args:
            directory: The folder.
            allow_short_files: Whether files may be shorter than they were
                written, as for `skip_damage`, which finds what is left.

        Raises:
            FileNotFoundError: If there is no manifest or a file is missing.
            ValueError: If the format is another version's, a split's counts
                or means do not fit the classes and dims, or a file's size is
                not the one written.
        """
        directory = pathlib.Path(directory)
        values = _read_values(directory)
        splits = {
            name: Split.from_json(split)
            for name, split in values["splits"].items()
        }
        manifest = cls(directory, Description.from_json(values), splits)
        manifest._check_splits()
        manifest._check_files(allow_short_files)
        return manifest

    def split(self, name: str) -> Split:
        """Gives a split by its name.

        Raises:
            ValueError: If there is none of that name.
        """
        if name not in self.splits:
            raise ValueError(
                f"Expected a split among {sorted(self.splits)}. Received: "
                f"split={name!r} for {self.directory}. Name one of them."
            )
        return self.splits[name]

    def paths(self, name: str) -> list[str]:
        """Gives the paths of a split's files."""
        shards = self.split(name).shards
        return [str(self.directory / shard.file) for shard in shards]

    def dump(self) -> str:
        """The manifest as the text of its file."""
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
            means = {key: len(x) for key, x in split.mean_features.items()}
            if counted != description.num_classes or means != dims:
                raise ValueError(
                    f"Expected class counts of {description.num_classes} "
                    f"classes and mean features of dims {dims} in split "
                    f"{name!r}. Received: {counted} counts and dims {means} "
                    f"in {self.directory / FILE_NAME}. Prepare the dataset "
                    "anew."
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
                    f"{FILE_NAME} says. Received: {found}. Copy the file "
                    "again or prepare the dataset anew."
                )


def _read_values(directory: pathlib.Path) -> dict:
    """Reads a manifest's JSON values, of the version that this one knows."""
    path = directory / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"Expected a complete dataset with a {FILE_NAME}. Received: "
            f"{directory}, which has none. A program data/*/prepare.py "
            "makes it; one that was stopped continues when started again."
        )
    values = json.loads(path.read_text(encoding="utf-8"))
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"Expected format_version {FORMAT_VERSION}. Received: "
            f"{version} in {path}. Prepare the dataset anew with this "
            "version of ac_keras."
        )
    return values
