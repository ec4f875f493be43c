"""The folder that predictions are written to: what it is of and what is done.

    predictions.json                 what decides the predictions
    00003-of-00128-STEM.jsonl        those of the fourth input file
    counted/00003-of-00128-STEM.json what was counted in it; in the end:
    summary.json                     what was counted in all files

Every file appears whole or not at all, and the counts of an input file come
before its predictions: a file of predictions stands for work that is done.
"""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.input_files import stem_of
from ac_keras.utils import atomic_file


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


PLAN = "predictions.json"
SUMMARY = "summary.json"
COUNTED = "counted"


class OutputFolder:
    """Files of predictions, one for each file of records.

    Several processes may work on the same folder, each on other files.

    Args:
        directory: The folder; made if need be.
        files: All files of records, those of other processes too.
        settings: Everything else that decides the predictions, JSON values.
        suffix: The ending of the names.

    Raises:
        ValueError: If the folder cannot be written to, or was begun with
            other files or settings.
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
            f"{index:05d}-of-{len(files):05d}-{stem_of(file)}{suffix}"
            for index, file in enumerate(self.files)
        ]
        plan = {**settings, "files": [x.to_json() for x in self.files]}
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._claim(plan)
            (self.directory / COUNTED).mkdir(exist_ok=True)
        except OSError as error:
            raise ValueError(
                "Expected a folder that can be written to. Received: "
                f"{directory}, {error.strerror}. Name another one, or change "
                "what stands in the way."
            ) from error

    @property
    def num_done(self) -> int:
        """How many files are predicted, by whichever process."""
        return sum(map(self.is_done, range(len(self.files))))

    def path(self, index: int) -> pathlib.Path:
        """The path of a file's predictions."""
        return self.directory / self._names[index]

    def is_done(self, index: int) -> bool:
        """Whether a file's predictions are there."""
        return self.path(index).is_file()

    def sweep(self, index: int) -> None:
        """Removes what a killed process left of a file's predictions."""
        name = glob.escape(f".{self._names[index]}.")
        for partial in self.directory.glob(f"{name}*{atomic_file.PARTIAL}"):
            partial.unlink(missing_ok=True)

    @contextlib.contextmanager
    def writing(self, index: int) -> Iterator[pathlib.Path]:
        """Gives a path to write a file's predictions to; see `atomic_path`.

        Raises:
            OSError: If they cannot be written.
        """
        path = self.path(index)
        try:
            with atomic_file.atomic_path(path) as partial:
                yield partial
        except OSError as error:
            raise OSError(
                f"Expected to write {path}. Received: {error}. Mend what "
                "stands in the way and give the same command again."
            ) from error

    def count(
        self, index: int, num_clips: int, damage: Sequence[Damage]
    ) -> None:
        """Keeps what was counted in a file, within its `writing`."""
        broken = [{"byte": x.offset, "reason": x.reason} for x in damage]
        counted = {
            **self.files[index].to_json(),
            "predictions": self._names[index],
            "num_clips": num_clips,
            "broken_records": broken,
        }
        text = json.dumps(counted, indent=1) + "\n"
        atomic_file.write_text(self._counts(index), text)

    def summarize(self) -> dict | None:
        """Writes the summary once all files are done.

        Returns:
            What is in it: `num_files`, `num_clips`, `num_broken_records` and
            the counts of each of the `files`. None while one is missing.

        Raises:
            FileNotFoundError: If a file's counts were removed.
        """
        path = self.directory / SUMMARY
        if not path.is_file():
            if self.num_done < len(self.files):
                return None
            try:
                summary = self._sum()
            except FileNotFoundError:  # Another process was faster?
                if not path.is_file():
                    raise
            else:
                write_first(path, summary)
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
        """Writes the plan, or compares it with the one that is there."""
        path = self.directory / PLAN
        if not path.is_file():
            if self.num_done:
                raise ValueError(
                    "Expected an empty folder or one with its "
                    f"{PLAN}. Received: {self.directory}, with predictions "
                    f"and no {PLAN}. Name another folder."
                )
            write_first(path, plan)
        compare(path, plan, self.is_done)
