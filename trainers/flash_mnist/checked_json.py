"""JSON files of results, whose keys and values are checked as they are read."""

import json
import math
import numbers
import pathlib
from collections.abc import Mapping
from typing import Any


def read_mapping(path: pathlib.Path, keys: Mapping[str, str]) -> dict:
    """Reads a JSON file that holds a mapping with these keys, and others.

    Args:
        path: The file.
        keys: Mapping from each key to the kind of its value.

    Raises:
        ValueError: If the file is invalid.
    """
    values = _read_json(path)
    check_mapping(values, keys, path)
    return values


def read_rows(path: pathlib.Path, keys: Mapping[str, str]) -> list[dict]:
    """Reads a JSON file that holds a list of such mappings, at least one.

    Raises:
        ValueError: If the file is invalid.
    """
    rows = _read_json(path)
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            "Expected a JSON file with a list that is not empty. Received: "
            f"{path} with {str(rows)[:40]!r}."
        )
    for index, row in enumerate(rows):
        check_mapping(row, keys, f"{path}, row {index}")
    return rows


def check_mapping(
    values: Any, keys: Mapping[str, str], place: pathlib.Path | str
) -> None:
    """Checks that a JSON value is a mapping with these keys, and others.

    Args:
        values: The value.
        keys: Mapping from each key to the kind of its value.
        place: Place of the value, for the message.

    Raises:
        ValueError: If it is not such a mapping.
    """
    if not isinstance(values, dict):
        raise ValueError(
            f"Expected a JSON mapping with {', '.join(keys)}. Received: "
            f"{place} with {str(values)[:40]!r}."
        )
    missing = [key for key in keys if key not in values]
    if missing:
        raise ValueError(
            f"Expected the keys {', '.join(keys)}. Received: {place} without "
            f"{', '.join(missing)}. Train the cell again, or write the file "
            "again, with this version of the program."
        )
    for key, kind in keys.items():
        if not _CHECKS[kind](values[key]):
            raise ValueError(
                f"Expected {key} to be a {kind}, and not negative. Received: "
                f"{key}={values[key]!r} in {place}."
            )


def is_share(value: Any) -> bool:
    """Returns True if a value is a number from 0 to 1."""
    return _is_number(value) and 0 <= value <= 1


def _is_number(value):
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value) and value >= 0


_CHECKS = {
    "mapping": lambda value: isinstance(value, dict),
    "number": _is_number,
    "share": is_share,
    "text": lambda value: isinstance(value, str),
    "whole number": lambda x: _is_number(x) and isinstance(x, int),
}


def _read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Expected a JSON file. Received: {path}: {error}. If it is "
            "corrupt, remove its folder and write it again."
        ) from error
