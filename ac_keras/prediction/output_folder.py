"""Output folder of predictions.

    predictions.json                 plan: input files and settings
    00003-of-00128-STEM.jsonl        predictions of the fourth input file
    counted/00003-of-00128-STEM.json its counts, until all files are done
    summary.json                     counts of all files

Every file is written atomically, and the counts of an input file precede its
predictions: a file of predictions marks an input file as done.
"""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator
from collections.abc import Sequence

from ac_keras.pipeline.integrity.corrupt_records import CorruptRecord
from ac_keras.pipeline.writer import short_json
from ac_keras.prediction.input_files import InputFile
from ac_keras.utils import atomic_file

PLAN = "predictions.json"
SUMMARY = "summary.json"
COUNTED = "counted"


class OutputFolder:
    """Folder of predictions, with one file for each file of records.

    Several processes may work on the same folder, each on other files.

    Args:
        directory: The folder; created if missing.
        files: All files of records, including those of other processes.
        settings: All settings that affect the predictions, JSON values.
        suffix: Ending of the files' names.

    Raises:
        ValueError: If the folder is not writable, or was started with other
            files or settings.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        files: Sequence[InputFile],
        settings: dict,
        suffix: str,
    ):
        self.directory = pathlib.Path(directory)
        self.files = list(files)
        self._names = [
            f"{index:05d}-of-{len(files):05d}-{file.stem}{suffix}"
            for index, file in enumerate(self.files)
        ]
        plan = {**settings, "files": [x.to_json() for x in self.files]}
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._claim(plan)
            (self.directory / COUNTED).mkdir(exist_ok=True)
        except OSError as error:
            raise ValueError(
                "Expected a folder that is writable. Received: "
                f"{directory}, {error.strerror}. Choose another one, or "
                "correct its permissions."
            ) from error

    @property
    def num_done(self) -> int:
        """Number of files that are predicted, by any process."""
        return sum(map(self.is_done, range(len(self.files))))

    def path(self, index: int) -> pathlib.Path:
        """Returns the path of a file's predictions."""
        return self.directory / self._names[index]

    def is_done(self, index: int) -> bool:
        """Returns True if a file's predictions exist."""
        return self.path(index).is_file()

    def sweep(self, index: int) -> None:
        """Removes partial predictions that a killed process left."""
        name = glob.escape(f".{self._names[index]}.")
        for partial in self.directory.glob(f"{name}*{atomic_file.PARTIAL}"):
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self, index: int) -> Iterator[pathlib.Path]:
        """Yields a path to write a file's predictions to; see `atomic_path`.

        Raises:
            OSError: If they cannot be written.
        """
        path = self.path(index)
        try:
            with atomic_file.atomic_path(path) as partial:
                yield partial
        except OSError as error:
            raise OSError(
                f"Expected to write {path}. Received: {error}. Fix the "
                "cause and run the same command again."
            ) from error

    def count(
        self, index: int, num_clips: int, corrupt: Sequence[CorruptRecord]
    ) -> None:
        """Writes the counts of a file, within its `writing`."""
        counted = {
            **self.files[index].to_json(),
            "predictions": self._names[index],
            "num_clips": num_clips,
            "broken_records": [
                {"byte": x.offset, "reason": x.reason} for x in corrupt
            ],
        }
        text = json.dumps(counted, indent=1) + "\n"
        atomic_file.write_text(self._counts(index), text)

    def summarize(self) -> dict | None:
        """Writes the summary once all files are done.

        Returns:
            The summary: `num_files`, `num_clips`, `num_broken_records` and
            the counts of each of the `files`. None while a file is missing.

        Raises:
            FileNotFoundError: If the counts of a file were removed.
        """
        path = self.directory / SUMMARY
        if not path.is_file():
            if self.num_done < len(self.files):
                return None
            try:
                summary = self._sum()
            except FileNotFoundError:  # Another process may have been faster.
                if not path.is_file():
                    raise
            else:
                _write_first(path, summary)
        shutil.rmtree(self.directory / COUNTED, ignore_errors=True)
        return json.loads(path.read_text(encoding="utf-8"))

    def _sum(self):
        counts = [
            json.loads(self._counts(index).read_text(encoding="utf-8"))
            for index in range(len(self.files))
        ]
        return {
            "num_files": len(counts),
            "num_clips": sum(x["num_clips"] for x in counts),
            "num_broken_records": sum(len(x["broken_records"]) for x in counts),
            "files": counts,
        }

    def _counts(self, index):
        return self.directory / COUNTED / f"{self._names[index]}.json"

    def _claim(self, plan):
        """Writes the plan, or compares it with the existing one."""
        path = self.directory / PLAN
        if not path.is_file():
            if self.num_done:
                raise ValueError(
                    "Expected an empty folder or one with its "
                    f"{PLAN}. Received: {self.directory}, with predictions "
                    f"and no {PLAN}. Choose another folder."
                )
            _write_first(path, plan)
        _compare(path, plan, self.is_done)


def _write_first(path, values):
    """Writes a JSON file unless another process or machine has done so."""
    with _complete(path, values) as own:
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        except OSError:  # e.g. a file system without hard links
            os.replace(own, path)


def _compare(path, plan, is_done):
    """Compares a plan with the one that a folder was started with."""
    # A file that is not done may change in size: a corrupt one is replaced.
    begun = json.loads(path.read_text(encoding="utf-8"))
    plan = json.loads(json.dumps(plan))
    if begun == plan:
        return
    for index, (old, new) in enumerate(
        zip(begun["files"], plan["files"], strict=False)
    ):
        if old["file"] == new["file"] and not is_done(index):
            old["num_bytes"] = new["num_bytes"]
    difference = _describe_difference(begun, plan)
    if difference:
        raise ValueError(
            f"Expected the files and settings that {path.parent} was started "
            f"with. Received: {difference}. Choose another folder, or remove "
            "this one."
        )
    with _complete(path, plan) as own:
        os.replace(own, path)


@contextlib.contextmanager
def _complete(path, values):
    """Yields the path of a temporary JSON file that is on the disk."""
    # Not the process id: processes on other machines may have the same one.
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


def _describe_difference(begun, now):
    """Describes how a plan differs from an earlier one; None if equal."""
    for key in now:
        if begun.get(key) == now[key]:
            continue
        if key == "files":
            return _describe_files(begun["files"], now["files"])
        return (
            f"{key}={short_json(now[key])} instead of {short_json(begun[key])}"
        )
    return None


def _describe_files(begun, now):
    begun, now = ({x["file"]: x["num_bytes"] for x in y} for y in (begun, now))
    for path in sorted(begun.keys() | now.keys()):
        if path not in begun:
            return f"{path}, which was not among the files"
        if path not in now:
            return f"{len(now)} files without {path}"
        if begun[path] != now[path]:
            return f"{path} of {now[path]} bytes instead of {begun[path]}"
    return None
