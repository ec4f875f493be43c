"""What is known of a dataset before its clips are."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

DTYPES = ("float32", "float16", "uint8")
RESERVED = ("id", "labels")


@dataclasses.dataclass(frozen=True)
class Modality:
    """The layout of one modality: a row of `dim` numbers for each frame.

    Attributes:
        dim: The feature's size, 1 or more.
        dtype: `"float32"`, `"float16"` or `"uint8"`, how it is stored. Floats
            are read back bit for bit.
        value_range: Lowest and highest value that uint8 stands for. Values
            are clipped to it and rounded to 256 levels, so what is read back
            is at most half a level, `(high - low) / 510`, off.

    Raises:
        ValueError: If the attributes do not fit each other.
    """

    dim: int
    dtype: str = "float32"
    value_range: tuple[float, float] | None = None

    def __post_init__(self):
        if self.dim < 1 or self.dtype not in DTYPES:
            raise ValueError(
                f"Modality expects dim of 1 or more and dtype in {DTYPES}. "
                f"Received: dim={self.dim}, dtype={self.dtype!r}."
            )
        if (self.dtype == "uint8") != (self.value_range is not None):
            raise ValueError(
                "Modality expects value_range with uint8 and only there, for "
                f"example (-2.0, 2.0). Received: dtype={self.dtype!r}, "
                f"value_range={self.value_range}."
            )
        if self.value_range is not None:
            low, high = self.value_range
            if not (low < high and math.isfinite(high - low)):
                raise ValueError(
                    "Modality expects value_range as (low, high), both finite "
                    "and low below high. Received: "
                    f"value_range={self.value_range}. Take the range that the "
                    "features have."
                )
            object.__setattr__(self, "value_range", (float(low), float(high)))

    @property
    def frame_bytes(self) -> int:
        """Bytes that one frame takes in a record."""
        return self.dim * np.dtype(self.dtype).itemsize

    @property
    def level(self) -> float:
        """What one step of a uint8 stands for."""
        low, high = self.value_range
        return (high - low) / 255

    def encode(self, frames: np.ndarray) -> bytes:
        """Turns frames `(num_frames, dim)` into a record's bytes.

        Raises:
            ValueError: If the shape does not fit, a value is not finite, or a
                value does not fit into the dtype.
        """
        frames = np.asarray(frames)
        if frames.ndim != 2 or frames.shape[1] != self.dim:
            raise ValueError(
                f"expects frames of shape (num_frames, {self.dim}). "
                f"Received: shape={frames.shape}"
            )
        if self.dtype == "uint8" and frames.dtype == np.uint8:
            return np.ascontiguousarray(frames).tobytes()  # quantised already
        if not np.isfinite(frames).all():
            frame = int(np.argwhere(~np.isfinite(frames))[0, 0])
            raise ValueError(
                f"expects finite features. Received: NaN or "
                f"infinity in frame {frame}"
            )
        if self.dtype == "uint8":
            low, high = self.value_range
            clipped = np.clip(frames.astype(np.float64), low, high)
            levels = (clipped - low) / self.level
            return np.rint(levels).astype(np.uint8).tobytes()
        with np.errstate(over="ignore"):
            stored = frames.astype(np.dtype(self.dtype).newbyteorder("<"))
        if not np.isfinite(stored).all():
            raise ValueError(
                f"expects features that fit into {self.dtype}. Received: "
                f"magnitude {np.abs(frames).max():.4g}"
            )
        return stored.tobytes()

    def decode(self, stored: bytes) -> np.ndarray:
        """Turns a record's bytes into float32 or float16 frames."""
        dtype = np.dtype(self.dtype).newbyteorder("<")
        frames = np.frombuffer(stored, dtype).reshape(-1, self.dim)
        if self.dtype == "uint8":
            low = np.float32(self.value_range[0])
            return frames * np.float32(self.level) + low
        return frames

    def to_json(self) -> dict:
        """The attributes that are set, for the manifest."""
        values = {"dim": self.dim, "dtype": self.dtype}
        if self.value_range is not None:
            values["value_range"] = list(self.value_range)
        return values

    @classmethod
    def from_json(cls, values: dict) -> "Modality":
        """Reads what `to_json` gave."""
        value_range = values.get("value_range")
        return cls(
            values["dim"],
            values["dtype"],
            tuple(value_range) if value_range is not None else None,
        )


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
