"""Kills train.py at random moments until it is done, and compares.

    cd tests; python -m trainer_programs.kill_runs FOLDER [KILLS] [SEED]

A run on a tiny dataset is killed by SIGKILL and started again by the same
command, KILLS times (20 by default): while it starts, trains, evaluates,
writes a checkpoint or the best weights, and finishes. A table tells when, and
whether it ended with the bits of a run that was never killed. FOLDER is new.
The exit status is 0 only if so. It takes about ten seconds a kill.
"""

import pathlib
import random
import signal
import sys
import time

from support.runs import killed_training
from support.runs.tiny_dataset import write_dataset

EPOCHS = 40
STEPS = killed_training.STEPS
SAVES = STEPS + 1  # an epoch: one after each step, one at its end
FINISHING = ("model.keras", "saved_model", "accuracy.png")


def partial_names(folder):
    """Names of what is only half written."""
    names = killed_training.names_in(folder)
    names = {x.split("/")[-1] for x in names}
    return sorted(x for x in names if "partial" in x or x.endswith("_temp"))


def aim(kind, folder, process, rng):
    """Waits for the moment to kill, or for the process's end."""
    wait = killed_training.wait_until
    if kind == "start-up":
        return wait(process, later(rng.uniform(0, 8)))
    if kind == "finishing":
        path, began = folder / rng.choice(FINISHING), time.time()
        wait(process, lambda: path.exists() and path.stat().st_mtime > began)
        return wait(process, later(rng.uniform(0, 0.3)))
    # First something new, so that every start gets on.
    before = killed_training.number_of_saves(folder)
    wait(process, lambda: killed_training.number_of_saves(folder) > before)
    wait(process, later(rng.uniform(0, 1.5)))
    if kind == "evaluation":
        wait(
            process,
            lambda: killed_training.number_of_saves(folder) % SAVES == STEPS,
        )
        return wait(process, later(rng.uniform(0, 0.03)))
    marks = {
        "a checkpoint": "_temp",
        "the best weights": ".best.weights.h5.",
    }
    return kind not in marks or wait(
        process, lambda: killed_training.holds(folder, marks[kind])
    )


def later(seconds):
    until = time.monotonic() + seconds
    return lambda: time.monotonic() > until


def kinds_of(kills, rng):
    """Gives what to aim at: finishing comes last."""
    ending = max(kills // 6, 1)
    others = (
        "start-up",
        "any moment",
        "a checkpoint",
        "the best weights",
        "any moment",
        "evaluation",
    )
    kinds = [others[i % len(others)] for i in range(kills - ending)]
    rng.shuffle(kinds)
    return kinds + ["finishing"] * ending


def kill(kind, data_dir, folder, rng):
    """Starts, kills and gives a row of the table."""
    began = time.monotonic()
    process = killed_training.start(data_dir, folder, epochs=EPOCHS)
    aim(kind, folder, process, rng)
    process.send_signal(signal.SIGKILL)
    seconds = time.monotonic() - began
    _, errors = process.communicate()
    if process.returncode != -signal.SIGKILL:
        sys.exit(f"It ended by itself: {process.returncode}\n{errors[-4000:]}")
    at = killed_training.position(folder)
    where = "no checkpoint"
    if at:
        where = f"epoch {at[0]:2} step {at[1]}"
        where += " (evaluation or after)" if at[1] == STEPS else ""
    left = ", ".join(partial_names(folder)) or "nothing half written"
    return f"{kind:17} {seconds:5.1f} s  {where:37} {left}"


def main(folder, kills="20", seed="0"):
    rng, root = random.Random(int(seed)), pathlib.Path(folder)
    data_dir, whole, killed = root / "data", root / "whole", root / "killed"
    write_dataset(data_dir)
    began = time.monotonic()
    process = killed_training.start(data_dir, whole, epochs=EPOCHS)
    killed_training.output_of(process)
    print(f"never killed: {time.monotonic() - began:.1f} s", flush=True)
    for number, kind in enumerate(kinds_of(int(kills), rng)):
        row = kill(kind, data_dir, killed, rng)
        print(f"kill {number + 1:2}  {row}", flush=True)
    process = killed_training.start(data_dir, killed, epochs=EPOCHS)
    killed_training.output_of(process)
    weights = killed_training.same_weights(whole, killed)
    epochs = [killed_training.epochs_of(x) for x in (whole, killed)]
    names = [killed_training.lasting_names(x) for x in (whole, killed)]
    same_epochs = epochs[0] == epochs[1] and len(epochs[0]) == EPOCHS
    print(f"same weights, bit for bit: {weights}")
    print(f"same {len(epochs[1])} epochs: {same_epochs}")
    print(f"same files: {names[0] == names[1]}", *(names[0] ^ names[1]))
    if not (weights and same_epochs and names[0] == names[1]):
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
