"""What is known of a dataset before its clips are."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

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
        return cls.from_json(read_values(pathlib.Path(directory)))


def read_values(directory: pathlib.Path) -> dict:
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
