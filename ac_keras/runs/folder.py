"""The folder of a run, and the run that it belongs to."""

import hashlib
import json
import pathlib
from collections.abc import Collection

from ac_keras.pipeline import Manifest
from ac_keras.utils import atomic_file

FLAGS = "flags.json"
DATASET = "dataset.json"
RESULT = "result.json"
# Flags of version 0.1.0 in a flags.json, and their names since.
RENAMED_FLAGS = {
    "average_momentum": "ema_momentum",
    "classifier_rate": "classifier_lr_multiplier",
}

# Flags that a flags.json of version 0.1.0 lacks, and what was in force.
NEW_FLAGS = {"standardize": "none"}


def claim(
    directory: pathlib.Path,
    flags: dict,
    manifest: Manifest,
    free: Collection[str] = (),
) -> None:
    """Claims a folder for a run, or checks that it already belongs to it.

    Args:
        directory: Folder to claim; created if it does not exist.
        flags: All settings that the run depends on, as JSON values.
        manifest: Manifest of the dataset.
        free: Names in `flags` that may change when a run is resumed.

    Raises:
        ValueError: If the folder belongs to another run.
    """
    expected = check(directory, flags, manifest, free)
    directory.mkdir(parents=True, exist_ok=True)
    atomic_file.sweep(directory)
    for name, values in expected.items():
        if not (directory / name).is_file():
            write_json(directory / name, values)


def check(
    directory: pathlib.Path,
    flags: dict,
    manifest: Manifest,
    free: Collection[str] = (),
) -> dict[str, dict]:
    """Checks that a folder is free or belongs to this run; writes nothing.

    The arguments and errors are those of `claim`. The folder need not exist.

    Returns:
        Contents of the files that claim the folder, by file name.
    """
    text = manifest.dump().encode()
    dataset = {
        "name": manifest.description.name,
        "manifest_sha256": hashlib.sha256(text).hexdigest(),
    }
    expected = {FLAGS: flags, DATASET: dataset}
    differences = []
    for name, values in expected.items():
        path = directory / name
        found = values
        if path.is_file():  # under the names that `values` has
            found = {
                key if key in values else RENAMED_FLAGS.get(key, key): value
                for key, value in read_json(path).items()
            }
            for key in NEW_FLAGS.keys() & values.keys():
                found.setdefault(key, NEW_FLAGS[key])
        differences += [
            f"{key}: {found.get(key)!r} there, {values.get(key)!r} now"
            for key in sorted(set(found) | set(values))
            if key not in free and found.get(key) != values.get(key)
        ]
    if differences:
        raise ValueError(
            f"Expected {directory} to be empty or this run's. Received: a run "
            f"with {'; '.join(differences)}. Name another output folder, or "
            "give the same flags to resume the run."
        )
    return expected


def read_json(path: pathlib.Path) -> dict:
    """Reads a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: pathlib.Path, values: dict) -> None:
    """Writes a JSON file atomically."""
    atomic_file.write_text(path, json.dumps(values, indent=1) + "\n")
