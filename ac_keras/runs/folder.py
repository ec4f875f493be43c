"""A run's folder: whose it is and what is in it."""

import hashlib
import json
import pathlib
from collections.abc import Collection

from ac_keras.pipeline import Manifest
from ac_keras.utils import atomic_file

FLAGS = "flags.json"
DATASET = "dataset.json"
RESULT = "result.json"


def claim(
    directory: pathlib.Path,
    flags: dict,
    manifest: Manifest,
    free: Collection[str] = (),
) -> None:
    """Makes a folder a run's, or checks that it is this run's.

    Args:
        directory: The folder; made if need be.
        flags: Everything that the run depends on, as JSON values.
        manifest: The dataset.
        free: Names in `flags` that may differ when the run goes on.

    Raises:
        ValueError: If the folder is another run's.
    """
    kept = check(directory, flags, manifest, free)
    directory.mkdir(parents=True, exist_ok=True)
    atomic_file.sweep(directory)
    for name, values in kept.items():
        if not (directory / name).is_file():
            write_json(directory / name, values)


def check(
    directory: pathlib.Path,
    flags: dict,
    manifest: Manifest,
    free: Collection[str] = (),
) -> dict[str, dict]:
    """Checks that a folder is free or this run's, and writes nothing.

    Args:
        directory: The folder; it need not exist.
        flags: Everything that the run depends on, as JSON values.
        manifest: The dataset.
        free: Names in `flags` that may differ when the run goes on.

    Returns:
        What the run's files are to hold, by their names.

    Raises:
        ValueError: If the folder is another run's.
    """
    text = manifest.dump().encode()
    dataset = {
        "name": manifest.description.name,
        "manifest_sha256": hashlib.sha256(text).hexdigest(),
    }
    kept = {FLAGS: flags, DATASET: dataset}
    differences = []
    for name, values in kept.items():
        path = directory / name
        found = read_json(path) if path.is_file() else values
        differences += [
            f"{key}: {found.get(key)!r} there, {values.get(key)!r} now"
            for key in sorted(set(found) | set(values))
            if key not in free and found.get(key) != values.get(key)
        ]
    if differences:
        raise ValueError(
            f"Expected {directory} to be empty or this run's. Received: a run "
            f"with {'; '.join(differences)}. Name another output folder, or "
            "give the same flags to go on."
        )
    return kept


def read_json(path: pathlib.Path) -> dict:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: pathlib.Path, values: dict) -> None:
    """Writes a JSON file, whole or not at all."""
    atomic_file.write_text(path, json.dumps(values, indent=1) + "\n")
