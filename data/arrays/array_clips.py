"""Clips from NumPy files of features."""

import collections
import concurrent.futures
import itertools
import pathlib
import zipfile
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.pipeline.clip import Clip
from ac_keras.pipeline.description import Description

_AHEAD = 16  # files read before they are asked for


def load_arrays(path: pathlib.Path, modality: str) -> dict[str, np.ndarray]:
    """Reads a clip's features.

    Args:
        path: A `.npy` file of one array, or a `.npz` file of one array for
            each modality.
        modality: The name of the `.npy` file's modality.

    Returns:
        Mapping from modality to `(num_frames, dim)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or an array has no two axes or
            something else than real numbers.
    """
    if path.suffix not in (".npy", ".npz"):
        raise ValueError(
            f"expects a file that ends in .npy or .npz. Received: {path}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"expects a file. Received: no {path}")
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = dict(loaded) if path.suffix == ".npz" else {modality: loaded}
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"expects a NumPy file of numbers. Received: {path}, which cannot "
            f"be read ({error})"
        ) from error
    for name, array in arrays.items():
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            raise ValueError(
                f"expects features (num_frames, dim) of numbers. Received: "
                f"shape={array.shape}, dtype={array.dtype} for {name!r} in "
                f"{path}"
            )
    return arrays


class ArrayReader:
    """Reads the clips of a table, some files ahead of those asked for.

    Args:
        table: The table's path, named in errors.
        folder: The folder that its paths start from.
        description: The dataset that the clips are for.
        modality: The name of a `.npy` file's modality.
    """

    def __init__(
        self,
        table: pathlib.Path,
        folder: pathlib.Path,
        description: Description,
        modality: str,
    ):
        self.table = table
        self.folder = folder
        self.modality = modality
        self._classes = {
            name: index for index, name in enumerate(description.class_names)
        }
        self._current = None
        self._pool = concurrent.futures.ThreadPoolExecutor(4)

    def clips(self, rows: Sequence[ClipRow]) -> Iterator[Clip]:
        """Yields the clips of some rows, in order.

        Raises:
            ValueError: If a clip's file or label is not as it must be.
        """
        rows = iter(rows)
        waiting = collections.deque(
            (row, self._pool.submit(self._load, row))
            for row in itertools.islice(rows, _AHEAD)
        )
        while waiting:
            self._current, loading = waiting.popleft()
            for row in itertools.islice(rows, 1):
                waiting.append((row, self._pool.submit(self._load, row)))
            yield Clip(
                id=self._current.id,
                labels=self._labels(self._current),
                frames=loading.result(),
            )

    @property
    def place(self) -> str:
        """The table's line that was read last, and its file."""
        if self._current is None:
            return str(self.table)
        return f"{self.table}, line {self._current.line}, {self._current.path}"

    def _load(self, row):
        return load_arrays(self.folder / row.path, self.modality)

    def _labels(self, row):
        unknown = [name for name in row.labels if name not in self._classes]
        if unknown:
            raise ValueError(
                f"expects labels among the {len(self._classes)} classes. "
                f"Received: {unknown}"
            )
        return tuple(self._classes[name] for name in row.labels)
