"""Backbones that another runtime than Keras computes, from their own files."""

import abc
import hashlib
import pathlib
import shutil

import numpy as np

from ac_keras.utils import atomic_file


class RuntimeBackbone(abc.ABC):
    """A network from inputs to features, made of one file or several.

    Attributes:
        suffix: Suffix of its folder in a dataset, which names the kind.
        input_shape: Shape of an input, `(None, ...)`.
        output_shape: `(None, dim)`.
    """

    suffix: str
    input_shape: tuple[int | None, ...]
    output_shape: tuple[None, int]

    @abc.abstractmethod
    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Computes features, float32 `(batch, dim)`, of float32 inputs.

        The features of an input do not depend on the others of the batch.
        """

    @abc.abstractmethod
    def contents(self) -> dict[str, bytes]:
        """Returns the content of each of its files by relative path."""

    def save(self, folder: pathlib.Path) -> None:
        """Writes its files to a folder, from which its class loads it."""
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in self.contents().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file.atomic_path(path) as partial:
                partial.write_bytes(content)


def hash_contents(contents: dict[str, bytes]) -> str:
    """Returns the SHA-256 of files and their names."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def read_contents(folder: pathlib.Path) -> dict[str, bytes]:
    """Reads the files of a saved backbone, as `contents` returned them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
