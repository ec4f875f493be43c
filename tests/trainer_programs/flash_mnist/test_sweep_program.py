"""sweep.py: a part of the table, killed, gone on with, and refused."""

import os
import pathlib
import shutil
import signal
import types

import pytest

from ac_keras.pipeline import Manifest
from ac_keras.runs import folder as run_folder
from cells import Cell
from cells import choose_protocol
from support.flash_mnist import tiny_cells
from support.programs import as_flags
from support.programs import run_cases
from support.programs import start_program
from support.runs import killed_training
from train_cell import settings_of
from workers import LOG

pytestmark = pytest.mark.stress

SETTINGS = {
    "study": "short",
    "epochs": 20,
    "batch_size": 16,
    "learning_rate": 0.005,
    "families": "fc1_shift,average",
    "num_units": "2",
    "workers": 1,
}
FIRST = "short/fc1_shift/units_002/seed_0"  # the one that takes longer
SECOND = "short/average/units_002/seed_0"


def start(data_dir, output_dir, **flags):
    """Starts it as a terminal does, with its cells in a group of its own."""
    folders = {"data_dir": data_dir, "output_dir": output_dir}
    values = as_flags({**SETTINGS, **flags, **folders})
    return start_program(
        "flash_mnist/sweep.py", *values, start_new_session=True
    )


def end_at(process, condition, number, group=True):
    """Sends a signal when it is time, and gives what was said until the end."""
    assert killed_training.wait_until(process, condition)
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, errors = process.communicate()  # to the end of all who can write
    return process.returncode, output, errors


def has_worker(process):
    """Returns a condition: a cell's process is there, maybe still importing."""

    def is_there():
        return any(b"spawn_main" in x for x in commands_of(process.pid))

    return is_there


def commands_of(parent):
    """Command lines of a process's children."""
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                yield (path.parent / "cmdline").read_bytes()
        except OSError:  # It has ended meanwhile.
            continue


def has_epochs(folder, count):
    return lambda: tiny_cells.num_epochs(folder) >= count


def disturb(data_dir, output_dir):
    """Starts a sweep three times, to an untimely end each.

    Returns:
        Of each its exit status, output and errors; and the epochs that the
        first cell had done after each.
    """
    folder, said, epochs = output_dir / FIRST, [], []
    process = start(data_dir, output_dir)
    said.append(end_at(process, has_worker(process), signal.SIGINT))
    epochs.append(tiny_cells.num_epochs(folder))
    for group in (True, False):
        process = start(data_dir, output_dir)
        is_time = has_epochs(folder, epochs[-1] + 2)
        said.append(end_at(process, is_time, signal.SIGKILL, group))
        epochs.append(tiny_cells.num_epochs(folder))
    return said, epochs


NO_STUDY = dict.fromkeys(("study", "epochs", "batch_size", "learning_rate"))
CASES = {  # Flags that are changed and what is then said.
    "the same command": ({}, "2 of 2 cells are done. All cells are in"),
    "a cell of the two": (
        {"families": "average"},
        "1 of 1 cells are done. All cells are in",
    ),
    "a finished cell of a protocol": (
        {**NO_STUDY, "protocol": "paper", "families": "fc2", "num_units": 4},
        "1 of 1 cells are done. All cells are in {runs}/paper",
    ),
    "other flags": (
        {"epochs": 21, "dropout": 0.25},
        "Expected {runs}/short/fc1_shift/units_002/seed_0 to be empty or this "
        "run's. Received: a run with dropout: 0.0 there, 0.25 now; epochs: 20 "
        "there, 21 now. Name another output folder",
    ),
    "another dataset": ({"data_dir": "{other}"}, "manifest_sha256: '"),
    "no dataset": (
        {"data_dir": "nowhere"},
        "Expected a complete dataset with a manifest.json. Received: nowhere",
    ),
    "changes without a name": (
        {"study": None},
        "Expected --study=NAME together with flags that change settings. "
        "Received: study=None, changes={{'epochs': 20,",
    ),
    "a name without changes": (
        {**NO_STUDY, "study": "other"},
        "Received: study='other', changes={{}}.",
    ),
    "a protocol's name": (
        {"study": "paper"},
        "NAME must be valid as a folder's name and not be tuned or paper.",
    ),
    "a name that is no folder's": (
        {"study": "../short"},
        "Received: study='../short', changes=",
    ),
    "an initializer that nobody can read": (
        {"families": "average", "beta_initializer": "uniform:1"},
        "Expected an initializer as constant:VALUE or "
        "normal:STANDARD_DEVIATION. Received: uniform:1",
    ),
    "units that are no numbers": (
        {"num_units": "2,four"},
        "Expected --num_units to be whole numbers separated by commas, such "
        "as 1,2,4. Received: --num_units=2,four.",
    ),
    "a seed below zero": (
        {"seeds": "-1"},
        "Expected --seeds to be whole numbers separated by commas, such as "
        "1,2,4. Received: --seeds=-1.",
    ),
    "no workers": (
        {"workers": 0},
        "flag --workers=0: 0 is not a positive integer",
    ),
    "an unknown protocol": (
        {**NO_STUDY, "protocol": "mine"},
        "flag --protocol=mine: value should be one of <tuned|paper>",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    tiny_cells.write_dataset(folder / "data")
    tiny_cells.write_dataset(folder / "other", seed=1)
    return folder


@pytest.fixture(scope="module")
def runs(folder):
    """A sweep that was left alone, while another one never was for long."""
    data_dir, whole, disturbed = (
        folder / name for name in ("data", "whole", "disturbed")
    )
    process = start(data_dir, whole)
    said, epochs = disturb(data_dir, disturbed)
    again = start(data_dir, disturbed)
    found = [x.communicate() for x in (process, again)]
    assert not process.returncode and not again.returncode, found
    return types.SimpleNamespace(
        whole=whole,
        disturbed=disturbed,
        said=said,
        epochs=epochs,
        output=found[0][0],
    )


@pytest.fixture(scope="module")
def answers(runs, folder):
    """Finished processes, and the sweep's files before and after them."""
    # As if a cell of another protocol were finished there.
    manifest, cell = Manifest.load(folder / "data"), Cell("fc2", 4)
    other = cell.folder(runs.whole / "paper")
    protocol = choose_protocol("paper", cell)
    run_folder.claim(other, settings_of(cell, protocol), manifest)
    shutil.copy(runs.whole / FIRST / "result.json", other)
    given = {**SETTINGS, "data_dir": folder / "data", "output_dir": runs.whole}
    cases = []
    for changes, _ in CASES.values():
        flags = {**given, **changes}
        flags["data_dir"] = str(flags["data_dir"]).format(
            other=folder / "other"
        )
        flags = {name: x for name, x in flags.items() if x is not None}
        cases.append(("flash_mnist/sweep.py", flags))
    before = tiny_cells.contents(runs.whole)
    found = dict(zip(CASES, run_cases(cases, folder), strict=True))
    return types.SimpleNamespace(
        found=found, before=before, after=tiny_cells.contents(runs.whole)
    )


def test_the_cells_that_flags_name_are_trained_and_reported(runs):
    """The longest first; the diary has a line for each sitting that ended."""
    results = sorted(runs.whole.rglob("result.json"))
    found = [str(x.parent.relative_to(runs.whole)) for x in results]
    assert [x for x in found if "paper" not in x] == [SECOND, FIRST]
    first, second = (
        run_folder.read_json(runs.whole / x / "result.json")
        for x in (FIRST, SECOND)
    )
    assert first["protocol"] == "short" and first["epochs"] == 20
    assert first["settings"]["schedule"] == "cosine"  # of --protocol=tuned
    assert first["settings"]["learning_rate"] == 0.005
    output = runs.output
    assert output.startswith("0 of 2 cells are done.\n")
    assert 0 < output.index(line_of(first)) < output.index(line_of(second))
    assert "1 of 2 cells, about " in output and "2 of 2 cells" in output
    assert output.endswith(f"All cells are in {runs.whole / 'short'}\n")
    whole, disturbed = (
        run_folder.read_json(x / "short" / "sittings.json")
        for x in (runs.whole, runs.disturbed)
    )
    (sitting,) = whole
    assert (sitting["cells"], sitting["workers"]) == (2, 1)
    assert sitting["seeds"] == ["0"] and sitting["seconds"] > 0
    assert [x["cells"] for x in disturbed] == [0, 2]  # Ctrl-C and the last


def line_of(result):
    return (
        f"{result['family']} N=2 seed 0: "
        f"validation {100 * result['validation_accuracy']:.2f} %, "
        f"test {100 * result['test_accuracy']:.2f} %, "
    )


def test_ctrl_c_while_it_starts_ends_it_without_a_failure(runs):
    status, output, errors = runs.said[0]
    assert status == 1 and "Traceback" not in errors
    assert "fc1_shift N=2 seed 0: stopped, see" in output
    assert "failed" not in output and "average" not in output
    assert "cells are done. The same command resumes the sweep." in errors
    assert runs.epochs[0] == 0


def test_the_cells_of_a_killed_sweep_save_where_they_are(runs):
    assert [x[0] for x in runs.said[1:]] == [-signal.SIGKILL] * 2
    assert 2 <= runs.epochs[1] < runs.epochs[2] < SETTINGS["epochs"]
    log = (runs.disturbed / FIRST / LOG).read_text()
    assert log.count("Stopped by SIGTERM after") == 1  # the sweep's own kill


@pytest.mark.parametrize("cell", [FIRST, SECOND])
def test_a_sweep_that_was_killed_ends_with_the_same_bits_metrics_and_files(
    cell, runs
):
    disturbed, whole = runs.disturbed / cell, runs.whole / cell
    assert tiny_cells.weights(disturbed) == tiny_cells.weights(whole)
    figures = tiny_cells.metrics(whole)
    assert tiny_cells.metrics(disturbed) == figures
    assert len(figures) == 1 + SETTINGS["epochs"]
    names = [set(tiny_cells.contents(x)) for x in (disturbed, whole)]
    assert names[0] == names[1]


@pytest.mark.parametrize("case", CASES)
def test_it_prints_what_is_done_or_wrong_and_changes_nothing(
    case, answers, runs, folder
):
    assert answers.after == answers.before and len(answers.before) > 10
    expected = CASES[case][1].format(runs=runs.whole, other=folder / "other")
    answer = answers.found[case]
    text = " ".join((answer.stdout + answer.stderr).split())
    assert expected in text and "Traceback" not in text
    assert answer.returncode == ("All cells are in" not in expected)
