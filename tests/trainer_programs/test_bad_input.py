"""Input that cannot be right: programs say what, where and what to do."""

import re
import shutil

import pytest
from bad_input_cases import FLAGS
from bad_input_cases import case_names
from bad_input_cases import result_cases
from bad_input_cases import save_models
from bad_input_cases import training_cases

from support.programs import run_cases
from support.runs import spoilt_datasets
from support.runs.spoilt_datasets import cut
from support.runs.spoilt_datasets import flip
from support.runs.tiny_dataset import write_dataset

pytestmark = pytest.mark.stress

BASE = {"epochs": 1, "batch_size": 8, "num_units": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bad_input")


@pytest.fixture(scope="module")
def results(folder, data_dir):
    """Of each case the finished process, its output folder, what is due."""
    write_dataset(folder / "multi_label", multi_label=True)
    save_models(folder)
    cases = [
        *training_cases(folder, data_dir),
        *result_cases(folder, data_dir),
    ]
    commands = []
    for index, (_, program, flags, _) in enumerate(cases):
        base = BASE if program == "train.py" else {}
        if program in ("train.py", "export.py"):
            base = {**base, "output_dir": folder / f"output {index}"}
        commands.append((program, {**base, **flags}))
    done = run_cases(commands, cwd=folder)
    return {
        name: (result, flags.get("output_dir"), said)
        for (name, _, _, said), (_, flags), result in zip(
            cases, commands, done, strict=True
        )
    }


@pytest.mark.parametrize("case", case_names())
def test_the_message_has_three_parts_and_names_what_is_wrong(case, results):
    result, _, said = results[case]
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    (message,) = (x for x in result.stderr.splitlines() if "Received:" in x)
    assert said in message
    assert re.search(r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$", message)


def test_no_case_was_forgotten(results):
    assert list(results) == case_names()


@pytest.mark.parametrize("case", FLAGS)
def test_flags_that_do_not_fit_leave_the_folder_free(case, results):
    _, output_dir, _ = results[case]
    assert not output_dir.exists()


@pytest.mark.parametrize("case", ["broken", "no split", "seven classes"])
def test_no_version_that_failed_is_left_to_be_served(case, results):
    _, output_dir, _ = results[f"export.py, {case}"]
    assert not output_dir.exists() or not list(output_dir.iterdir())


@pytest.fixture(scope="module")
def runs(folder, data_dir):
    """A run that skips, and one of a bad test split, mended in between."""
    skipped = spoilt_datasets.copy_of(data_dir, folder / "skipped")
    places = [
        flip(skipped, "train", 3),
        flip(skipped, "train", 20),
        f"{cut(skipped, 'validation', -3)}, byte",
        flip(skipped, "test", 0),
    ]
    copy = spoilt_datasets.copy_of(data_dir, folder / "mended")
    place = flip(copy, "test", 2)
    base = {**BASE, "num_units": "rgb:2"}
    skipping = {
        **base,
        "data_dir": skipped,
        "output_dir": folder / "skipping",
        "skip_corrupt_records": True,
    }
    mended = {**base, "data_dir": copy, "output_dir": folder / "mending"}
    first, refused = run_cases(
        [("train.py", skipping), ("train.py", mended)], cwd=folder
    )
    epochs = (folder / "mending" / "epochs.csv").read_bytes()
    left = {x.name for x in (folder / "mending").iterdir()}
    shutil.copytree(folder / "mending", folder / "leaving out")
    without = {
        **mended,
        "output_dir": folder / "leaving out",
        "skip_corrupt_records": True,
    }
    (left_out,) = run_cases([("train.py", without)], cwd=folder)
    path = spoilt_datasets.shard_path(copy, "test")
    shutil.copy(spoilt_datasets.shard_path(data_dir, "test"), path)
    (finished,) = run_cases([("train.py", mended)], cwd=folder)
    return {
        "skipping": (first, places),
        "refused": (refused, place, left),
        "left out": (left_out, place),
        "finished": (finished, epochs),
    }


def test_skipping_lists_each_broken_record_and_trains(runs, folder):
    result, places = runs["skipping"]
    assert result.returncode == 0, result.stderr[-2000:]
    assert "4 corrupt records are skipped" in result.stdout
    path = folder / "skipping" / "skipped_records.txt"
    lines = path.read_text().splitlines()
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(place) and line in result.stdout


def test_skipping_counts_what_is_left(runs, folder):
    assert runs
    values = spoilt_datasets.read_values(folder / "skipping" / "result.json")
    assert values["test_clips_of_saved_model"] == 24
    assert 0 < values["test_accuracy"] <= 1
    assert values["test_accuracy"] * 24 == pytest.approx(
        round(values["test_accuracy"] * 24), abs=1e-4
    )


def test_a_broken_test_split_is_named_after_training(runs):
    result, place, left = runs["refused"]
    assert result.returncode != 0 and place in result.stderr
    assert "Traceback" not in result.stderr
    assert "checkpoints" in left and "result.json" not in left


def test_the_same_command_then_finishes_without_training(runs, folder):
    result, epochs = runs["finished"]
    assert result.returncode == 0, result.stderr[-2000:]
    assert (folder / "mending" / "epochs.csv").read_bytes() == epochs
    assert len(epochs.splitlines()) == 2
    values = spoilt_datasets.read_values(folder / "mending" / "result.json")
    assert values["epochs"] == 1 and values["test_clips_of_saved_model"] == 25


def test_what_a_run_was_told_to_leave_out_it_can_leave_out(runs, folder):
    result, place = runs["left out"]
    assert result.returncode == 0, result.stderr[-2000:]
    folder = folder / "leaving out"
    assert (folder / "skipped_records.txt").read_text() == f"{place}\n"
    values = spoilt_datasets.read_values(folder / "result.json")
    assert values["epochs"] == 1 and values["test_clips_of_saved_model"] == 24
