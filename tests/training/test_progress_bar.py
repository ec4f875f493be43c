"""The progress bar of an epoch on a terminal."""

import os
import pty
import re
import sys
import time

import pytest

from ac_keras.runs import RunLog

STEPS, STEP_SECONDS = 4, 2.0


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Text that an epoch of four steps shows on its terminal."""
    now = 1000.0
    ours, its = pty.openpty()
    with open(its, "w") as file, monkeypatch.context() as patch:
        for name in ("time", "monotonic"):
            patch.setattr(time, name, lambda: now)
        patch.setattr(sys, "stdout", file)
        log = RunLog(tmp_path, batch_size=10, epochs=2)
        log.begin_epoch(0, 0, STEPS)
        for step in range(1, STEPS + 1):
            now += STEP_SECONDS
            log.step(step, step, {"loss": 1.0 / step})
        log.epoch([{"epoch": 0, "loss": 0.25, **log.times(STEPS)}])
        text = os.read(ours, 2**16)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m|\x08", "", text.decode())


def test_a_terminal_shows_a_bar_with_clips_a_second_and_the_time_left(terminal):
    assert "Epoch 1/2" in terminal
    assert re.search(r"1/4 .*clips/s: 5\.0+\s", terminal), terminal
    assert re.search(r"1/4 \S+ 6s 2s/step", terminal), terminal
    assert re.search(r"3/4 \S+ 2s 2s/step", terminal), terminal
    *_, last = terminal.strip().splitlines()
    assert last == "Epoch 1/2: loss 0.25; 5 clips/s, 8 s left"
