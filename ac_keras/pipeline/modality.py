"""The layout of one modality's frames in a record."""

import dataclasses
import math

import numpy as np

DTYPES = ("float32", "float16", "uint8")


@dataclasses.dataclass(frozen=True)
class Modality:
    """The layout of one modality: a row of `dim` numbers for each frame.

    Attributes:
        dim: Integer, 1 or more, size of a frame's feature.
        dtype: `"float32"`, `"float16"` or `"uint8"`, the stored dtype. Floats
            are read back bit for bit.
        value_range: Pair of floats, the values of the levels 0 and 255 of
            uint8. Values are clipped to the range and rounded to 256 levels,
            so the error is at most half a level, `(high - low) / 510`.

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
                    f"value_range={self.value_range}. Pass the range of the "
                    "features."
                )
            object.__setattr__(self, "value_range", (float(low), float(high)))

    @property
    def frame_bytes(self) -> int:
        """Size of one frame in a record, in bytes."""
        return self.dim * np.dtype(self.dtype).itemsize

    @property
    def level(self) -> float:
        """Difference between two neighbouring levels of uint8."""
        low, high = self.value_range
        return (high - low) / 255

    def encode(self, frames: np.ndarray) -> bytes:
        """Encodes frames `(num_frames, dim)` as the bytes of a record.

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
        """Decodes the bytes of a record into float32 or float16 frames."""
        dtype = np.dtype(self.dtype).newbyteorder("<")
        frames = np.frombuffer(stored, dtype).reshape(-1, self.dim)
        if self.dtype == "uint8":
            low = np.float32(self.value_range[0])
            return frames * np.float32(self.level) + low
        return frames

    def to_json(self) -> dict:
        """Returns the attributes that are set, for the manifest."""
        values = {"dim": self.dim, "dtype": self.dtype}
        if self.value_range is not None:
            values["value_range"] = list(self.value_range)
        return values

    @classmethod
    def from_json(cls, values: dict) -> "Modality":
        """Reads the values that `to_json` returned."""
        value_range = values.get("value_range")
        return cls(
            values["dim"],
            values["dtype"],
            tuple(value_range) if value_range is not None else None,
        )
