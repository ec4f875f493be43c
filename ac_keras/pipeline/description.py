"""The properties of a dataset that are known before its clips."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from ac_keras.pipeline.formats import RECORD_FORMATS
from ac_keras.pipeline.formats.record_format import RecordFormat
from ac_keras.pipeline.modality import Modality

RESERVED = ("id", "labels")
FORMAT_VERSION = 1
FILE_NAME = "manifest.json"
OWN_RECORDS = "clip"


@dataclasses.dataclass(frozen=True)
class Description:
    """The properties of a dataset that are known before its clips.

    Attributes:
        name: Name of the dataset.
        class_names: One name a class, in the order of the labels.
        modalities: Mapping from a modality's name to its layout.
        multi_label: Whether a clip has any number of labels rather than one.
        seed: Integer seed of the dataset's generator, or None.
        settings: All other settings that decide the content of the records.
            Two folders of equal descriptions hold equal bytes.
        record_format: Key of `formats.RECORD_FORMATS`. `"clip"` is the format
            that `DatasetWriter` writes.

    Raises:
        ValueError: If there is no modality, a modality's name is reserved, or
            the record format is unknown or cannot hold a modality's dtype.
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
        if self.record_format not in RECORD_FORMATS:
            raise ValueError(
                "Description expects a record format among "
                f"{tuple(RECORD_FORMATS)}. Received: "
                f"record_format={self.record_format!r}. Choose the format "
                "whose keys the records have."
            )
        self.format.check()

    @property
    def format(self) -> RecordFormat:
        """The record format, which reads the records of this dataset."""
        make = RECORD_FORMATS[self.record_format]
        return make(self.modalities, self.settings)

    @property
    def num_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    def select(self, names: Sequence[str] | None) -> "Description":
        """Returns the description with only some of the modalities.

        Args:
            names: Names of the modalities to keep; None keeps all.

        Raises:
            ValueError: If a name is unknown.
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
        """Returns JSON values; `record_format` only if not `"clip"`."""
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
        """Reads the values that `to_json` returned."""
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
        """Reads the description from a folder's manifest.

        Only `manifest.json` is read. The dataset's files may be missing, and
        the manifest may list none, as in the `assets` of a SavedModel.

        Args:
            directory: The folder.

        Raises:
            FileNotFoundError: If there is no manifest.
            ValueError: If the manifest has another format version.
        """
        return cls.from_json(read_values(pathlib.Path(directory)))


def read_values(directory: pathlib.Path) -> dict:
    """Reads the JSON values of a manifest and checks its format version."""
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
            f"{version} in {path}. Prepare the dataset again with this "
            "version of ac_keras."
        )
    return values
