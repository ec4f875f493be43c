"""Checks on two devices that a killed run ends as one that never was.

python device_runs.py DIR
"""

import pathlib
import sys

import numpy as np

from ac_keras import training
from support.training import small_run

LOOKS = {
    "in the first epoch": 1,
    "in an evaluation": small_run.STEPS + 2,
    "in the second epoch": small_run.STEPS + small_run.EVALUATIONS + 2,
}


def main(directory):
    folder = pathlib.Path(directory)
    strategy = training.make_strategy("mirrored", logical_devices=2)
    assert strategy.num_replicas_in_sync == 2
    manifest = small_run.write_clips(folder / "data")

    def run(name, looks=-1):
        signals = small_run.kill_at(looks)
        return small_run.train(
            manifest, folder / name, signals, strategy=strategy
        )

    whole = run("whole")
    assert max(np.abs(x).max() for x in whole.model.get_weights()) > 0.01
    first, second = (row["loss"] for row in whole.state.history)
    assert 0 < second != first > 0
    for name, looks in LOOKS.items():
        try:
            run(name, looks)
        except small_run.Killed:
            again = small_run.bits(run(name))
            assert again == small_run.bits(whole), name
            print(name)


if __name__ == "__main__":
    main(sys.argv[1])
