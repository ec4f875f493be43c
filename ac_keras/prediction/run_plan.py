"""What decides the predictions in a folder, fixed by whoever comes first."""

import contextlib
import json
import os
import pathlib
import uuid
from collections.abc import Callable


def write_first(path: pathlib.Path, values: dict) -> None:
    """Writes a JSON file unless another process or machine has done so."""
    with _complete(path, values) as own:
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        except OSError:  # A file system without hard links, or worse.
            os.replace(own, path)


def compare(
    path: pathlib.Path, plan: dict, is_done: Callable[[int], bool]
) -> None:
    """Compares a plan with the one that a folder was begun with.

    An input file that is not done may have got another size since, as a
    broken one does that is made anew. The plan is then written anew.

    Args:
        path: The file of the plan that the folder was begun with.
        plan: JSON values; under `files` each input file's path and size.
        is_done: Whether the input file of a number is predicted.

    Raises:
        ValueError: If the plans differ.
    """
    begun = json.loads(path.read_text(encoding="utf-8"))
    plan = json.loads(json.dumps(plan))
    if begun == plan:
        return
    for index, (old, new) in enumerate(
        zip(begun["files"], plan["files"], strict=False)
    ):
        if old["file"] == new["file"] and not is_done(index):
            old["num_bytes"] = new["num_bytes"]
    difference = _difference(begun, plan)
    if difference:
        raise ValueError(
            f"Expected the files and settings that {path.parent} was begun "
            f"with. Received: {difference}. Name another folder, or remove "
            "this one."
        )
    with _complete(path, plan) as own:
        os.replace(own, path)


@contextlib.contextmanager
def _complete(path, values):
    """Gives a JSON file on the disk, for the block's time."""
    # Machines may well have processes of the same number.
    own = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with open(own, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        yield own
    finally:
        own.unlink(missing_ok=True)


def _difference(begun, now):
    """Says how a plan differs from the one that a folder was begun with."""
    for key in now:
        if begun.get(key) == now[key]:
            continue
        if key == "files":
            return _other_files(begun["files"], now["files"])
        return f"{key}={_short(now[key])}, where it was {_short(begun[key])}"
    return None


def _other_files(begun, now):
    begun, now = ({x["file"]: x["num_bytes"] for x in y} for y in (begun, now))
    for path in sorted(begun.keys() | now.keys()):
        if path not in begun:
            return f"{path}, which was not among the files"
        if path not in now:
            return f"{len(now)} files without {path}"
        if begun[path] != now[path]:
            return f"{path} of {now[path]} bytes, where it was {begun[path]}"
    return None


def _short(value, limit=200):
    text = json.dumps(value)
    return text if len(text) <= limit else text[:limit] + "..."
