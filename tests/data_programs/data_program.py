"""A program of data/ as users run it, but small."""

import dataclasses
import os
import pathlib
import subprocess
import sys

import ac_keras

DATA = pathlib.Path(__file__).absolute().parents[2] / "data"
# A line of progress that is longer than half of the pipe it is written to: a
# program that is not read stops within three lines, however fast it is.
LONG_LINES = {"TQDM_NCOLS": "3000", "TQDM_MININTERVAL": "0"}
PIPE_BYTES = 4096


def environment():
    """Ours, with the folder of `ac_keras` on the path."""
    root = pathlib.Path(ac_keras.__file__).absolute().parents[1]
    paths = [str(root), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, paths))
    return {**os.environ, "PYTHONPATH": path, **LONG_LINES}


@dataclasses.dataclass(frozen=True)
class DataProgram:
    """data/FOLDER/prepare.py.

    Attributes:
        folder: Its folder.
        small: Flags by which it writes little.
    """

    folder: str
    small: dict

    @property
    def path(self):
        """The program's file."""
        return DATA / self.folder / "prepare.py"

    def command(self, directory, *arguments, **options):
        """What starts the program."""
        values = {"output_dir": directory, **self.small, **options}
        flags = [f"--{name}={value}" for name, value in values.items()]
        return [sys.executable, str(self.path), *flags, *arguments]

    def run(self, directory, *arguments, preexec_fn=None, **options):
        """Runs the program to its end."""
        return subprocess.run(
            self.command(directory, *arguments, **options),
            env=environment(),
            preexec_fn=preexec_fn,
            capture_output=True,
            text=True,
        )

    def run_well(self, directory, **options):
        """Runs it to a good end, and gives what it said."""
        result = self.run(directory, **options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def kill_at(self, text, directory):
        """Kills the program when it says so on its standard error."""
        with subprocess.Popen(
            self.command(directory),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            bufsize=0,
        ) as process:
            said = b""
            while not said.endswith(text.encode()):
                byte = process.stderr.read(1)
                assert byte, f"It never said {text!r} but {said.decode()}"
                said += byte
            process.kill()
        return process.returncode
