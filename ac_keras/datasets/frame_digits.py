"""Which digits flash in which frames of Flash-MNIST's test clips."""

import os
import pathlib
import zipfile
from collections.abc import Sequence

import numpy as np

from ac_keras.datasets.flash_mnist import NUM_DIGITS
from ac_keras.datasets.flash_mnist import present_digits
from ac_keras.utils import atomic_file

FILE_NAME = "frame_digits.npz"
_ANEW = (
    "Remove it, if it is there, and give the command that prepared the folder "
    "once more, `python data/flash_mnist/prepare.py --output_dir=...` with its "
    "other flags: it adds the file and leaves the records as they are."
)


class FrameDigits:
    """Tells the digits of every frame of the test clips.

    Args:
        directory: The dataset's folder, with a `frame_digits.npz` of `ids`
            and of `digits`, bool `(num_clips, num_frames, 10)`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds something else.
    """

    def __init__(self, directory: str | os.PathLike):
        self.path = pathlib.Path(directory) / FILE_NAME
        if not self.path.is_file():
            raise FileNotFoundError(
                f"Expected the digits of every frame in {self.path}. Received: "
                f"no such file. {_ANEW}"
            )
        try:
            with np.load(self.path) as arrays:
                ids, self._digits = arrays["ids"], arrays["digits"]
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise self._refusal(str(error)) from error
        shape = self._digits.shape
        if (
            ids.ndim != 1
            or len(shape) != 3
            or (shape[0], shape[2]) != (len(ids), NUM_DIGITS)
            or self._digits.dtype != bool
        ):
            raise self._refusal(
                f"ids {ids.shape} and digits {shape} of {self._digits.dtype}"
            )
        self._rows = {name: row for row, name in enumerate(ids.tolist())}

    def of_clips(self, ids: Sequence[str], labels: np.ndarray) -> np.ndarray:
        """Gives the digits of some clips' frames.

        Args:
            ids: The clips.
            labels: Their classes, integers `(batch,)`; bit d says that digit
                d flashes.

        Returns:
            Bool `(batch, num_frames, 10)`, whether an image of the digit lies
            on the frame.

        Raises:
            ValueError: If the file lacks a clip, or has other digits for it
                than its class has.
        """
        lacking = [name for name in ids if name not in self._rows]
        if lacking:
            raise self._refusal(
                f"none of {len(lacking)} clips, first {lacking[0]}"
            )
        digits = self._digits[[self._rows[name] for name in ids]]
        of_class = present_digits(labels)
        wrong = np.flatnonzero((digits.any(axis=1) != of_class).any(axis=1))
        if len(wrong):
            first = wrong[0]
            raise self._refusal(
                f"digits {np.flatnonzero(digits[first].any(axis=0)).tolist()} "
                f"for {ids[first]}, which has "
                f"{np.flatnonzero(of_class[first]).tolist()}"
            )
        return digits

    def _refusal(self, received):
        return ValueError(
            f"Expected {self.path} to hold the digits of every frame of the "
            f"test clips. Received: {received}. {_ANEW}"
        )


def write_frame_digits(
    directory: str | os.PathLike, digits: np.ndarray
) -> None:
    """Keeps which digits lie on each frame of the test clips.

    Args:
        directory: The dataset's folder.
        digits: Bool `(num_clips, num_frames, 10)`, in the clips' order.
    """
    ids = np.array([f"test-{i:07d}" for i in range(len(digits))])
    path = pathlib.Path(directory) / FILE_NAME
    with atomic_file.atomic_path(path) as partial, open(partial, "wb") as file:
        np.savez(file, ids=ids, digits=digits)
