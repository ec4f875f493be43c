"""Runs on two devices, killed and not, and prints JSON of what came out.

python device_runs.py DIR
"""

import json
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
    manifest = small_run.write_clips(folder / "data")

    def run(name, looks=-1):
        return small_run.train(
            manifest,
            folder / name,
            small_run.KillAt(looks),
            strategy=strategy,
        )

    whole = run("whole")
    found = {
        "replicas": strategy.num_replicas_in_sync,
        "largest_weight": max(
            float(np.abs(x).max()) for x in whole.model.get_weights()
        ),
        "losses": [row["loss"] for row in whole.state.history],
        "same": {},
    }
    for name, looks in LOOKS.items():
        try:
            run(name, looks)
        except small_run.Killed:
            again = small_run.bits(run(name))
            found["same"][name] = again == small_run.bits(whole)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
