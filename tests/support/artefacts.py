"""Artefacts that are made once for all workers of a test session."""

import contextlib
import fcntl
import os
import shutil
import traceback

from ac_keras.utils import atomic_file


def artefact(tmp_path_factory, key, make):
    """Returns the folder of an artefact, which the first to ask for it makes.

    The folder is for reading alone: copy it to change it. An error while it
    is made is raised in every worker that asks.

    Args:
        tmp_path_factory: The fixture of that name.
        key: The artefact's name, the same for the same contents.
        make: Function of the empty folder that makes the contents.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "artefacts" / key
    folder.parent.mkdir(exist_ok=True)
    made = folder.with_name(f"{key}.made")  # Holds the error, if any.
    with _locked(folder.with_name(f"{key}.lock")):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a killed worker
            folder.mkdir()
            error = ""
            try:
                make(folder)
            except Exception:
                error = traceback.format_exc()
            atomic_file.write_text(made, error)
    error = made.read_text("utf-8")
    if error:
        raise RuntimeError(error)
    return folder


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
