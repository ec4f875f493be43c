"""Format of a model file's inputs, from flags and a JSON file beside it."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

NHWC, NCHW = "NHWC", "NCHW"
COLORS = 3


@dataclasses.dataclass(frozen=True)
class InputFormat:
    """What a model file does not state about its inputs.

    A value `x` (a pixel 0..255, a sample in [-1, 1] or a log-mel value)
    becomes `x * scale + offset`.

    Attributes:
        input_shape: The model's input shape without the batch, needed where
            the file leaves a size open.
        layout: Of images: `"NHWC"` or `"NCHW"`.
        scale: One number, or one per channel.
        offset: Likewise.
        step: Of a waveform: samples from one window to the next.
        sample_rate: Of a waveform, in Hz.
        padding: Of a waveform: samples of silence before and after a clip.
        output: Name of the output with the features, if there are several.
    """

    input_shape: tuple[int, ...] | None = None
    layout: str | None = None
    scale: float | tuple[float, ...] | None = None
    offset: float | tuple[float, ...] | None = None
    step: int | None = None
    sample_rate: int | None = None
    padding: int | None = None
    output: str | None = None

    @classmethod
    def from_values(cls, values: Mapping[str, Any], origin: str):
        """Checks values of JSON or of flags.

        Raises:
            ValueError: If a name or a value is not valid; it names `origin`.
        """
        kinds = {x.name: x for x in dataclasses.fields(cls)}
        for name, value in values.items():
            if name not in kinds or not _is_valid(name, value):
                raise ValueError(
                    f"Expected {EXPECTED.get(name, ', '.join(kinds))} in "
                    f"{origin}. Received: {name}={value!r}. Correct it."
                )
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the values that are set."""
        return {
            name: value
            for name, value in dataclasses.asdict(self).items()
            if value is not None
        }


EXPECTED = {
    "input_shape": "input_shape to be a list of positive integers",
    "layout": f"layout to be {NHWC} or {NCHW}",
    "scale": "scale to be a number or a list of numbers, one per channel",
    "offset": "offset to be a number or a list of numbers, one per channel",
    "step": "step to be a positive number of samples",
    "sample_rate": "sample_rate to be a positive number of Hz",
    "padding": "padding to be a number of samples",
    "output": "output to be the name of an output",
}


def parse_flag(items: list[str], flag: str) -> dict[str, Any]:
    """Parses `name=value` items; the numbers of a list are separated by `;`.

    Raises:
        ValueError: If an item has no `=`.
    """
    values = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not equals:
            raise ValueError(
                f"Expected name=value in --{flag}. Received: {item!r}. Pass "
                "for example scale=0.0078125,offset=-1."
            )
        parts = [_parse_value(x) for x in text.split(";")]
        values[name.strip()] = parts[0] if len(parts) == 1 else parts
    return InputFormat.from_values(values, f"--{flag}").to_json()


def read_format(
    path: pathlib.Path, given: Mapping[str, Any] | None = None
) -> InputFormat:
    """Reads `MODEL.json` beside a model file; `given` values replace its own.

    Raises:
        ValueError: If the file is not valid.
    """
    beside, values = format_path(path), {}
    if beside.is_file():
        try:
            values = json.loads(beside.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"Expected a JSON object in {beside}. Received: {error}. "
                "Correct it."
            ) from error
        if not isinstance(values, dict):
            raise ValueError(
                f"Expected a JSON object in {beside}. Received: a "
                f"{type(values).__name__}. Write {{...}}."
            )
    values = {**values, **(given or {})}
    return InputFormat.from_values(values, str(beside))


def format_path(path: pathlib.Path) -> pathlib.Path:
    """Returns the path of the JSON file beside a model file or folder."""
    if path.is_dir():
        return path.with_name(path.name + ".json")
    return path.with_suffix(".json")


def missing(
    name: str, path: pathlib.Path, why: str, modality: str
) -> ValueError:
    """Returns the error of a value that neither flag nor file states."""
    return ValueError(
        f"Expected {EXPECTED[name]}, as {why}. Received: {path} without it. "
        f"Write {name} to {format_path(path).name} beside the model, or pass "
        f"--{modality}_input={name}=VALUE."
    )


def _parse_value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _is_valid(name, value):
    if name in ("layout", "output"):
        return isinstance(value, str) and (
            name == "output" or value in (NHWC, NCHW)
        )
    many = isinstance(value, list | tuple)
    numbers = list(value) if many else [value]
    if name == "input_shape" and not many:
        return False
    if many and name not in ("input_shape", "scale", "offset"):
        return False
    if name in ("scale", "offset"):
        return bool(numbers) and all(
            isinstance(x, int | float)
            and not isinstance(x, bool)
            and np.isfinite(x)
            for x in numbers
        )
    least = 0 if name == "padding" else 1
    return bool(numbers) and all(type(x) is int and x >= least for x in numbers)
