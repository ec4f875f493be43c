"""Input that cannot be right: programs say what, where and what to do."""

import os
import re
import shutil

import pytest

from ac_keras import cluster_classifier
from support.programs import run_cases
from support.runs import spoilt_datasets
from support.runs.spoilt_datasets import cut
from support.runs.spoilt_datasets import flip
from support.runs.spoilt_datasets import replace
from support.runs.tiny_dataset import CLASS_NAMES
from support.runs.tiny_dataset import MODALITIES
from support.runs.tiny_dataset import write_dataset

pytestmark = pytest.mark.stress

# One modality of three: a run is then built in less time.
BASE = {"epochs": 1, "batch_size": 8, "num_units": "rgb:2"}
DIMS = {name: modality.dim for name, modality in MODALITIES.items()}
MANIFESTS = {  # A change of the manifest's values, and what is said of it.
    "a class that has no count": (
        lambda values: values["splits"]["train"]["class_counts"].pop(),
        "Received: 5 counts",
    ),
    "a class name too many": (
        lambda values: values["class_names"].append("yak"),
        "class counts of 7 classes",
    ),
    "a mean of another dim": (
        lambda values: values["splits"]["test"]["mean_features"]["rgb"].pop(),
        "'rgb': 5",
    ),
    "a clip too few": (
        lambda values: values["splits"]["train"]["shards"][0].update(
            num_clips=31
        ),
        "the file ends after 32 clips, where the manifest states 31",
    ),
    "a clip too many": (
        lambda values: values["splits"]["train"]["shards"][0].update(
            num_clips=33
        ),
        "the file ends after 32 clips, where the manifest states 33",
    ),
}
FLAGS = {  # Flags that do not fit the dataset, and what is said of them.
    "an unknown modality": (
        {"num_units": "rgb:2,smell:2"},
        "among ['rgb', 'audio', 'flow']. Received: num_units=rgb:2,smell:2",
    ),
    "no dataset": (
        {"data_dir": "records/kinetics"},
        os.path.join("data", "kinetics", "README.md"),
    ),
    "no dataset of a split": (
        {"data_dir": "records/ucf101/split2"},
        os.path.join("data", "ucf101", "README.md"),
    ),
    "a batch larger than the split": (
        {"batch_size": 97},
        "batch_size=97 for 96 clips in split 'train'",
    ),
    "an unknown split": (
        {"validation_split": "dev"},
        "['test', 'train', 'validation']. Received: split='dev'",
    ),
    "no validation split to choose on": (
        {"validation_split": "", "best_metric": "val_accuracy"},
        "Received: val_accuracy",
    ),
    "patience with nothing to wait for": (
        {"validation_split": "", "patience": 2},
        "metric='last', patience=2",
    ),
    "an unknown metric": (
        {"best_metric": "val_acuracy"},
        "val_accuracy, val_top_5_accuracy, val_per_class_accuracy, with",
    ),
    "a metric of several labels": (
        {"best_metric": "val_gap"},
        "Received: val_gap",
    ),
    "batches that two devices cannot share": (
        {"logical_devices": 2, "batch_size": 7},
        "--batch_size",
    ),
    "an unknown initializer": (
        {"alpha_initializer": "uniform:1"},
        "Expected an initializer as constant:VALUE or "
        "normal:STANDARD_DEVIATION. Received: uniform:1",
    ),
}
RECORDS = {  # How a copy is spoilt; gives what should be said of it.
    "an empty file": lambda x: f"{cut(x, 'train', 0)}, as its",
    "a train file cut short": lambda x: f"{cut(x, 'train', 1000)}, as its",
    "a validation file cut short": lambda x: f"{cut(x, 'validation', -1)}, as",
    "a test file cut short": lambda x: f"{cut(x, 'test', 99)}, as its",
    "a corrupt train record": lambda x: flip(x, "train", 3),
    "a corrupt validation record": lambda x: flip(x, "validation", 20),
    "a first record that is corrupt": lambda x: flip(x, "validation", 0),
    "NaN": lambda x: (
        replace(x, "train", 5, number=float("nan"))
        + "Expected finite features of modality 'rgb'"
    ),
    "infinity": lambda x: (
        replace(x, "validation", 5, number=float("inf"))
        + "Expected finite features of modality 'rgb'"
    ),
    "a label out of range": lambda x: (
        replace(x, "train", 5, label=6)
        + "Expected labels from 0 to 5. Received: 6 in clips train-005"
    ),
    "a label below zero": lambda x: (
        replace(x, "validation", 2, label=-1)
        + "Expected labels from 0 to 5. Received: -1 in clips validation-002"
    ),
}


def cut_in_a_header(folder):
    path = spoilt_datasets.shard_path(folder, "train")
    place = spoilt_datasets.place_of(path, 30)
    cut(folder, "train", place + 5)
    spoilt_datasets.tell_sizes(folder)
    return f"{path}, byte {place}: a record cut off after 5 of its first 12"


RECORDS["a file cut in a header"] = cut_in_a_header


def save_models(folder):
    """Untrained models that do not fit the dataset, and one that does."""
    six = len(CLASS_NAMES)
    models = {
        "seven classes": ({"rgb": 6}, 7, {}),
        "another dim": ({"rgb": 9}, six, {}),
        "another modality": ({"smell": 6}, six, {}),
        "sigmoid": ({"rgb": 6}, six, {"multi_label": True}),
        "fitting": (DIMS, six, {}),
    }
    for name, (dims, num_classes, kwargs) in models.items():
        units = dict.fromkeys(dims, 2)
        model = cluster_classifier(dims, units, num_classes, **kwargs)
        model.save(folder / f"{name}.keras")
    (folder / "garbage.keras").write_bytes(b"no model")


MODELS = {
    "seven classes": "Expected 7 classes and multi_label=False",
    "another dim": "Expected modalities of dims {'rgb': 9}",
    "another modality": "Expected modalities of dims {'smell': 6}",
    "sigmoid": "Expected 6 classes and multi_label=True",
    "nothing": "nothing.keras, where there is no file",
    "garbage": "garbage.keras, which is another file",
}


def training_cases(folder, data_dir):
    """Of each case: program, flags and what should be said."""
    for name, (flags, said) in FLAGS.items():
        yield name, "train.py", {"data_dir": data_dir, **flags}, said
    for name, (change, said) in MANIFESTS.items():
        copy = spoilt_datasets.copy_of(data_dir, folder / name)
        spoilt_datasets.edit(copy, change)
        yield name, "train.py", {"data_dir": copy}, said
    for name, spoil in RECORDS.items():
        copy = spoilt_datasets.copy_of(data_dir, folder / name)
        yield name, "train.py", {"data_dir": copy}, spoil(copy)
    copy = folder / "a corrupt train record"
    said = f"{spoilt_datasets.shard_path(copy, 'train')}, byte"
    flags = {"data_dir": copy, "in_memory": True}
    yield "a corrupt record in memory", "train.py", flags, said
    copy = spoilt_datasets.copy_of(data_dir, folder / "nothing valid")
    path = spoilt_datasets.shard_path(copy, "validation")
    path.write_bytes(b"\1" * path.stat().st_size)
    flags = {"data_dir": copy, "skip_corrupt_records": True}
    said = "Expected at least one valid clip in split 'validation'"
    yield "nothing valid", "train.py", flags, said
    flags = {"data_dir": folder / "multi_label", "class_weights": True}
    said = f"Received: {folder / 'multi_label'}, which is multi-label"
    yield "class weights of several labels", "train.py", flags, said


def result_cases(folder, data_dir):
    """The same for the programs that use a trained model."""
    bad = spoilt_datasets.copy_of(data_dir, folder / "bad test split")
    broken = flip(bad, "test", 4)
    for program in ("evaluate.py", "predict.py", "export.py"):
        for name, said in MODELS.items():
            model = folder / f"{name}.keras"
            flags = {"model": model, "data_dir": data_dir}
            yield f"{program}, {name}", program, flags, said
        right = {"model": folder / "fitting.keras", "data_dir": data_dir}
        flags = {**right, "split": "dev"}
        yield f"{program}, no split", program, flags, "Received: split='dev'"
        flags = {**right, "data_dir": bad}
        yield f"{program}, broken", program, flags, broken
        flags = {**right, "data_dir": "nowhere"}
        yield f"{program}, no data", program, flags, "Received: nowhere"


def case_names():
    programs = ("evaluate.py", "predict.py", "export.py")
    others = ("no split", "broken", "no data")
    return [
        *FLAGS,
        *MANIFESTS,
        *RECORDS,
        "a corrupt record in memory",
        "nothing valid",
        "class weights of several labels",
        *(f"{x}, {y}" for x in programs for y in (*MODELS, *others)),
    ]


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
