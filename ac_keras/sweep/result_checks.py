"""JSON files of a sweep, refused unless they hold what a sweep writes."""

import json
import math
import numbers
import pathlib
from collections.abc import Mapping
from typing import Any

# What a value is, by its key.
RESULT_KEYS = {
    "family": "text",
    "num_units": "whole number",
    "seed": "whole number",
    "protocol": "text",
    "settings": "mapping",
    "validation_accuracy": "share",
    "validation_top_5_accuracy": "share",
    "test_accuracy": "share",
    "test_top_5_accuracy": "share",
    "best_epoch": "whole number",
    "epochs": "whole number",
    "training_seconds": "number",
    "parameters": "whole number",
    "product_flops_per_epoch": "whole number",
    "tensorflow": "text",
    "keras": "text",
}
CURVE_KEYS = {
    "epoch": "whole number",
    "accuracy": "share",
    "val_accuracy": "share",
    "seconds": "number",
}
DATASET_KEYS = {"name": "text", "manifest_sha256": "text"}
SITTING_KEYS = {
    "seconds": "number",
    "cells": "whole number",
    "workers": "whole number",
}


def is_share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return _is_number(value) and 0 <= value <= 1


def _is_number(value):
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value) and value >= 0


_CHECKS = {
    "list": lambda value: isinstance(value, list),
    "mapping": lambda value: isinstance(value, dict),
    "number": _is_number,
    "share": is_share,
    "text": lambda value: isinstance(value, str),
    "whole number": lambda x: _is_number(x) and isinstance(x, int),
}


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: If it is missing or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Expected a JSON file. Received: {path}: {error}. If it is "
            "broken, remove its folder and make it again."
        ) from error


def read_mapping(path: pathlib.Path, keys: Mapping[str, str]) -> dict:
    """Reads a JSON file that holds a mapping with these keys, and others.

    Args:
        path: The file.
        keys: Mapping from each key to what its value is.

    Raises:
        ValueError: If the file is something else.
    """
    values = read_json(path)
    check_mapping(values, keys, path)
    return values


def read_rows(path: pathlib.Path, keys: Mapping[str, str]) -> list[dict]:
    """Reads a JSON file that holds a list of such mappings, one at least.

    Raises:
        ValueError: If the file is something else.
    """
    rows = read_json(path)
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            "Expected a JSON file with a list that is not empty. Received: "
            f"{path} with {str(rows)[:40]!r}. Make it again."
        )
    for index, row in enumerate(rows):
        check_mapping(row, keys, f"{path}, row {index}")
    return rows


def check_mapping(
    values: Any, keys: Mapping[str, str], place: pathlib.Path | str
) -> None:
    """Checks that a value is a mapping with these keys, and others.

    Args:
        values: Anything.
        keys: Mapping from each key to what its value is.
        place: Where it was read.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(values, dict):
        raise ValueError(
            f"Expected a JSON mapping with {', '.join(keys)}. Received: "
            f"{place} with {str(values)[:40]!r}. Make the file again."
        )
    missing = [key for key in keys if key not in values]
    if missing:
        raise ValueError(
            f"Expected the keys {', '.join(keys)}. Received: {place} without "
            f"{', '.join(missing)}. Train the cell again, or make the "
            "file again, with this version of its program."
        )
    for key, kind in keys.items():
        if not _CHECKS[kind](values[key]):
            raise ValueError(
                f"Expected {key} to be a {kind}, 0 or more where it counts. "
                f"Received: {key}={values[key]!r} in {place}. Make the file "
                "again."
            )
