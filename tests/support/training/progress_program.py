"""Shows the progress of an epoch of four steps, on its own terminal.

python progress_program.py DIR
"""

import pathlib
import sys
import time

from ac_keras.runs import RunLog

BATCH_SIZE = 10
STEPS = 4
STEP_SECONDS = 2.0


def main(directory):
    now = 1000.0
    time.time = time.monotonic = lambda: now
    log = RunLog(pathlib.Path(directory), BATCH_SIZE, epochs=2)
    log.begin_epoch(0, 0, STEPS)
    for step in range(1, STEPS + 1):
        now += STEP_SECONDS
        log.step(step, step, {"loss": 1.0 / step})
    log.epoch([{"epoch": 0, "loss": 0.25, **log.times(STEPS)}])


if __name__ == "__main__":
    main(sys.argv[1])
