"""The runs that tests look at, each made once in a session of tests."""

import dataclasses
import functools
import pathlib
import shutil

from prepare_program import LEFT_BY_KILLS
from prepare_program import PROGRAM
from prepared_folder import folder_contents


@dataclasses.dataclass
class Run:
    """A folder and what the program said when it was done."""

    directory: pathlib.Path
    said: str


@dataclasses.dataclass
class InterruptedRun(Run):
    """A folder, and what two kills had left in it."""

    return_codes: list[int]
    files_in_pretraining: list[str]
    half_way: pathlib.Path


def make_run(directory, **options):
    return Run(directory, PROGRAM.run_well(directory, **options))


@functools.cache
def complete_run(parent):
    """A run that nobody disturbed."""
    return make_run(parent / "complete")


@functools.cache
def interrupted_run(parent):
    """A run killed in pretraining, killed half-way and run to its end."""
    directory, half_way = parent / "interrupted", parent / "half_way"
    codes = [PROGRAM.kill_at("Pretraining the CNN", directory)]
    in_pretraining = sorted(folder_contents(directory))
    codes.append(PROGRAM.kill_at(" 3/11 [", directory))
    shutil.copytree(directory, half_way)
    said = PROGRAM.run_well(directory)
    return InterruptedRun(directory, said, codes, in_pretraining, half_way)


@functools.cache
def run_again(parent):
    """The same command on a complete folder, with what kills may leave."""
    directory = parent / "again"
    shutil.copytree(complete_run(parent).directory, directory)
    for name in LEFT_BY_KILLS:
        (directory / name).write_text("{}")
    return make_run(directory)


@functools.cache
def run_on_older_folder(parent):
    """The same command on a folder that does not keep the frames' digits."""
    directory = parent / "older"
    shutil.copytree(complete_run(parent).directory, directory)
    (directory / "frame_digits.npz").unlink()
    return make_run(directory)
