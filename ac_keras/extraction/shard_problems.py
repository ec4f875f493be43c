"""Files that an extraction could not use, or only in part."""

import csv
import dataclasses
import json
import pathlib
from collections.abc import Iterable

from ac_keras.utils import atomic_file

SUFFIX = ".problems.json"
TABLE = "problems.csv"


@dataclasses.dataclass(frozen=True)
class Problem:
    """What was wrong with a file.

    Attributes:
        split: The clip's split.
        clip: The clip's id.
        left_out: Whether the clip is not in the dataset therefore.
        message: What was wrong.
    """

    split: str
    clip: str
    left_out: bool
    message: str


def path_of(shard: pathlib.Path) -> pathlib.Path:
    """The file of a shard's problems."""
    return shard.with_suffix(SUFFIX)


def write(shard: pathlib.Path, problems: Iterable[Problem]) -> None:
    """Writes a shard's problems beside it; no file if there are none."""
    rows = [dataclasses.asdict(problem) for problem in problems]
    if rows:
        text = json.dumps(rows, indent=1) + "\n"
        atomic_file.write_text(path_of(shard), text)
    else:
        path_of(shard).unlink(missing_ok=True)


def read(shards: Iterable[pathlib.Path]) -> list[Problem]:
    """Reads the problems of some shards, in their order."""
    return [
        Problem(**row)
        for shard in shards
        if path_of(shard).is_file()
        for row in json.loads(path_of(shard).read_text(encoding="utf-8"))
    ]


def write_table(directory: pathlib.Path, problems: list[Problem]) -> None:
    """Writes `problems.csv` of a dataset; no file if there are none."""
    path = directory / TABLE
    if not problems:
        path.unlink(missing_ok=True)
        return
    names = [field.name for field in dataclasses.fields(Problem)]
    with atomic_file.atomic_path(path) as partial:
        with open(partial, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(names)
            table.writerows(dataclasses.astuple(x) for x in problems)


def lacking(shards: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Lists the shards that some of their clips were left out of."""
    return [
        shard
        for shard in shards
        if any(problem.left_out for problem in read([shard]))
    ]
