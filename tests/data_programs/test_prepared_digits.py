"""The digits of every frame that data/flash_mnist/prepare.py keeps."""

import numpy as np
import pytest

from ac_keras.datasets import FrameDigits
from ac_keras.datasets import load_digits
from prepared_folder import images_under
from prepared_folder import read_split
from prepared_runs import complete_run
from prepared_runs import make_run

each_placing = pytest.mark.parametrize("with_replacement", [False, True])


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    return complete_run(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def replaced(tmp_path_factory):
    """A run whose images may fall on one frame."""
    directory = tmp_path_factory.mktemp("replaced")
    return make_run(directory, with_replacement=True)


def test_the_digits_of_every_frame_are_those_that_lie_on_it(complete):
    digits = load_digits("uci")["test"]
    previews = np.load(complete.directory / "previews.npz")
    kept = FrameDigits(complete.directory).of_clips(
        previews["ids"].tolist(), previews["labels"]
    )
    # Of so many pixels no other image fits under a frame by chance.
    for frames, held in zip(previews["rgb"], kept, strict=True):
        for frame, row in zip(frames, held, strict=True):
            shown = set(digits.labels[images_under(frame[None], digits.images)])
            assert shown == set(np.flatnonzero(row))


@each_placing
def test_the_digits_of_all_test_clips_frames_are_kept(
    with_replacement, complete, replaced
):
    folder = (replaced if with_replacement else complete).directory
    ids, classes, _ = read_split(folder, "test")
    kept = FrameDigits(folder).of_clips(ids, classes)
    assert kept.shape == (100, 25, 10)
    times = kept.sum(axis=1)  # of clip and digit
    assert set(times.ravel()) == {0, 1, 2}
    assert (kept.sum(axis=2).max() > 1) == with_replacement
