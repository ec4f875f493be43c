"""Files of one stem that appear together, complete."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from ac_keras.pipeline.atomic_file import PARTIAL


@contextlib.contextmanager
def whole_files(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path to write to whose files move to `path` at the block's end.

    Args:
        path: The final path of the file that names the others; its folder is
            made if need be.

    Yields:
        A path of the same name in a new folder. All that lies there at the
        end moves, the named file last. After an exception nothing does.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL
    ) as directory:
        partial = pathlib.Path(directory) / path.name
        yield partial
        files = [x for x in partial.parent.iterdir() if x != partial]
        for file in [*files, partial]:
            with open(file, "rb") as stream:
                os.fsync(stream.fileno())
            os.replace(file, path.parent / file.name)
