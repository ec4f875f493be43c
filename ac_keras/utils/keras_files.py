"""Keras's files, written whole or not at all, the same model as same bytes."""

import json
import pathlib
import re
import shutil
import zipfile

import keras

from ac_keras.utils import atomic_file

CONFIG, METADATA = "config.json", "metadata.json"  # in a .keras file
NO_DATE = "1980-01-01@00:00:00"  # the first that an archive can tell


def save_model(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a `.keras` file, whose bytes follow from the model alone."""

    def write(named):
        with_chance = named.with_name(f"{named.stem}.dated.keras")
        try:
            model.save(with_chance)
            _remove_chance(with_chance, named)
        finally:
            with_chance.unlink(missing_ok=True)

    _write(write, path, ".keras")


def save_weights(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a `.weights.h5` file."""
    _write(model.save_weights, path, ".weights.h5")


def _write(write, path, suffix):
    with atomic_file.atomic_path(path) as partial:
        # Keras wants the name to end so.
        named = partial.with_name(partial.name + suffix)
        try:
            write(named)
            shutil.move(named, partial)
        finally:
            named.unlink(missing_ok=True)


def _remove_chance(source, target):
    """Copies a `.keras` file without its date and its addresses in memory."""
    with (
        zipfile.ZipFile(source) as read,
        zipfile.ZipFile(target, "w") as written,
    ):
        for name in read.namelist():
            entry = zipfile.ZipInfo(name)  # dated 1980
            if name == CONFIG:
                written.writestr(entry, _number_objects(read.read(name)))
            elif name == METADATA:
                values = json.loads(read.read(name))
                values["date_saved"] = NO_DATE
                written.writestr(entry, json.dumps(values))
            else:
                entry.file_size = read.getinfo(name).file_size
                with read.open(name) as one, written.open(entry, "w") as other:
                    shutil.copyfileobj(one, other)


def _number_objects(config):
    """Counts shared objects from 0; Keras names them by their addresses."""
    numbers = {}

    def number(match):
        return b"%s%d" % (match[1], numbers.setdefault(match[2], len(numbers)))

    return re.sub(rb'("shared_object_id": )(\d+)', number, config)
