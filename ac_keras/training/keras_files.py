"""Keras's files, written whole or not at all."""

import pathlib
import shutil

import keras

from ac_keras.pipeline import atomic_file


def save_model(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a `.keras` file."""
    _write(model.save, path, ".keras")


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
