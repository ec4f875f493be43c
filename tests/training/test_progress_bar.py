"""The progress bar of an epoch on a terminal."""

import os
import pty
import re

import pytest

from support.programs import start_program
from support.training import progress_program

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    """Text that a program shows on its terminal."""
    ours, its = pty.openpty()
    folder = tmp_path_factory.mktemp("terminal")
    with start_program(progress_program.__file__, folder, stdout=its):
        os.close(its)
        text = b""
        while True:
            try:
                text += os.read(ours, 4096)
            except OSError:  # It has closed its end.
                break
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m|\x08", "", text.decode())


def test_a_terminal_shows_a_bar_with_clips_a_second_and_the_time_left(terminal):
    assert "Epoch 1/2" in terminal
    assert re.search(r"1/4 .*clips/s: 5\.0+\s", terminal), terminal
    assert re.search(r"1/4 \S+ 6s 2s/step", terminal), terminal
    assert re.search(r"3/4 \S+ 2s 2s/step", terminal), terminal
    *_, last = terminal.strip().splitlines()
    assert last == "Epoch 1/2: loss 0.25; 5 clips/s, 8 s left"
