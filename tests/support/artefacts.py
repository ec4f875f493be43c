"""Artefacts that are made once for all workers of a test session."""

import contextlib
import fcntl
import os
import pickle
import shutil


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
    made = folder.with_name(f"{key}.made")  # Holds the error, or None.
    with _locked(folder.with_name(f"{key}.lock")):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a killed worker
            folder.mkdir()
            _write(made, _error_of(make, folder))
    error = pickle.loads(made.read_bytes())
    if error:
        raise error
    return folder


def _error_of(make, folder):
    try:
        make(folder)
    except Exception as error:
        return error
    return None


def _write(path, error):
    """Writes a file that appears whole."""
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:  # Some errors cannot be sent to another process.
        data = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data)
    partial.rename(path)


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
