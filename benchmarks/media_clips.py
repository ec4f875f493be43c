"""Media files to extract from, and decoding them alone."""

import itertools
import pathlib
import subprocess
import sys

import av

SIDE = 64  # pixels of the clips made
PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "data" / "digits_av"


def make_clips(folder: pathlib.Path, count: int) -> pathlib.Path:
    """Makes clips of the embedded digits; gives their folder of classes."""
    sizes = {"num_train": count, "num_validation": 0, "num_test": 1}
    command = [sys.executable, PROGRAM / "prepare.py"]
    command += [f"--{name}={size}" for name, size in sizes.items()]
    command += [f"--output_dir={folder}", f"--side={SIDE}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "train"


def decode_alone(path: pathlib.Path) -> None:
    """Decodes all that a file has, in one thread, and keeps nothing."""
    with av.open(str(path)) as container:
        streams = container.streams
        taken = [*streams.video[:1], *streams.audio[:1]]
        for stream in taken:
            stream.thread_type = "NONE"
        for _ in container.decode(*taken):
            pass


def take_some(rows: list, count: int) -> list:
    """Takes clips at equal distances."""
    step = max(1, len(rows) // count)
    return list(itertools.islice(rows, 0, None, step))[:count]
