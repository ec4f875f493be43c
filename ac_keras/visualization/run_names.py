"""Names of runs in pictures and tables."""

import os
import pathlib
from collections.abc import Sequence


def name_runs(folders: Sequence[str | os.PathLike]) -> dict[str, pathlib.Path]:
    """Gives every run the shortest end of its path that no other run has.

    Args:
        folders: The runs' output folders.

    Returns:
        A dict from names to absolute paths, in the given order.

    Raises:
        ValueError: If a folder is named twice.
    """
    paths = [pathlib.Path(os.path.abspath(folder)) for folder in folders]
    if len(set(paths)) < len(paths):
        raise ValueError(
            "Expected --runs to name each folder once. Received: "
            f"{','.join(map(str, folders))}. Leave out the repeated one."
        )
    length = 1
    while len({path.parts[-length:] for path in paths}) < len(paths):
        length += 1
    return {"/".join(path.parts[-length:]): path for path in paths}
