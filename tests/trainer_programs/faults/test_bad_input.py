"""Invalid input: the error of each program has three parts."""

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
from support.runs.spoilt_datasets import shard_path
from support.runs.tiny_dataset import CLASS_NAMES
from support.runs.tiny_dataset import MODALITIES

pytestmark = pytest.mark.stress

# One modality of three: a run is then built in less time.
BASE = {"epochs": 1, "batch_size": 8, "num_units": "rgb:2"}
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
    "class weights of several labels": (
        {"data_dir": "multi_label", "class_weights": True},
        "Received: multi_label, which is multi-label",
    ),
}


def edit(change, message):
    """Returns a function that edits a copy's manifest."""

    def spoil(folder):
        spoilt_datasets.edit(folder, change)
        return message

    return spoil


def set_num_clips(count):
    return edit(
        lambda values: values["splits"]["train"]["shards"][0].update(
            num_clips=count
        ),
        f"the file ends after 32 clips, where the manifest states {count}",
    )


def cut_in_a_header(folder):
    path = shard_path(folder, "train")
    place = spoilt_datasets.place_of(path, 30)
    cut(folder, "train", place + 5)
    spoilt_datasets.tell_sizes(folder)
    return f"{path}, byte {place}: a record cut off after 5 of its first 12"


def spoil_in_memory(folder):
    flip(folder, "train", 3)
    return f"{shard_path(folder, 'train')}, byte"


def spoil_all(folder):
    path = shard_path(folder, "validation")
    path.write_bytes(b"\1" * path.stat().st_size)
    return "Expected at least one valid clip in split 'validation'"


SPOILT = {  # How a copy of the dataset is spoilt; returns part of the error.
    "a class that has no count": edit(
        lambda values: values["splits"]["train"]["class_counts"].pop(),
        "Received: 5 counts",
    ),
    "a class name too many": edit(
        lambda values: values["class_names"].append("yak"),
        "class counts of 7 classes",
    ),
    "a mean of another dim": edit(
        lambda values: values["splits"]["test"]["mean_features"]["rgb"].pop(),
        "'rgb': 5",
    ),
    "deviations of no feature": edit(
        lambda values: values["splits"]["train"].pop("feature_deviations"),
        "python data/add_deviations.py --data_dir=",
    ),
    "a clip too few": set_num_clips(31),
    "a clip too many": set_num_clips(33),
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
    "a file cut in a header": cut_in_a_header,
    "a corrupt record in memory": spoil_in_memory,
    "nothing valid": spoil_all,
}
MORE_FLAGS = {
    "a corrupt record in memory": {"in_memory": True},
    "nothing valid": {"skip_corrupt_records": True},
}
DIMS = {name: modality.dim for name, modality in MODALITIES.items()}
RGB = {"rgb": DIMS["rgb"]}
MODELS = {  # Arguments of an untrained model, and part of the error.
    "seven classes": (
        (RGB, 7, False),
        "Expected 7 classes and multi_label=False",
    ),
    "another dim": (
        ({"rgb": 9}, 6, False),
        "Expected modalities of dims {'rgb': 9}",
    ),
    "another modality": (
        ({"smell": 6}, 6, False),
        "Expected modalities of dims {'smell': 6}",
    ),
    "sigmoid": ((RGB, 6, True), "Expected 6 classes and multi_label=True"),
    "nothing": (None, "nothing.keras, where there is no file"),
    "garbage": (None, "garbage.keras, which is another file"),
}
DATA = {  # Flags of a model that fits, and part of the error.
    "no split": ({"split": "dev"}, "Received: split='dev'"),
    "broken": ({"data_dir": "bad test split"}, "{broken}"),
    "no data": ({"data_dir": "nowhere"}, "Received: nowhere"),
}
PROGRAMS = ("evaluate.py", "predict.py", "export.py")
OF_MODELS = [f"{x}, {y}" for x in PROGRAMS for y in (*MODELS, *DATA)]
RECORDS = {  # Flags of predict.py --records, and part of the error.
    "no output": ({"output": ""}, "Expected --output with --records."),
    "no file": ({"records": "no-*"}, "'no-*', which matches none"),
    "no folder": (
        {"output": "garbage.keras"},
        "garbage.keras, File exists.",
    ),
    "no description": ({"data_dir": "nowhere"}, "Received: nowhere, which"),
    "no shard": ({"shard": "1"}, "--shard as INDEX,COUNT. Received: 1."),
    "a shard too high": ({"shard": "2,2"}, "Received: shard=(2, 2)."),
    "a split": ({"split": "test"}, "no --split with --records. Received"),
    "broken records": (
        {"records": "bad test split/test-*", "data_dir": "bad test split"},
        "{broken}",
    ),
    "no records": (
        {"records": None, "output": None, "format": "csv"},
        "no --format without --records. Received: --format.",
    ),
}


def save_models(folder):
    """Saves untrained models that do not fit the dataset, and one that does."""
    fitting = {"fitting": ((DIMS, len(CLASS_NAMES), False), "")}
    for name, (arguments, _) in {**MODELS, **fitting}.items():
        if arguments:
            dims, num_classes, multi_label = arguments
            units = dict.fromkeys(dims, 2)
            cluster_classifier(
                dims, units, num_classes, multi_label=multi_label
            ).save(folder / f"{name}.keras")
    (folder / "garbage.keras").write_bytes(b"no model")


def training_cases(folder, data_dir):
    """Of each case: program, flags and part of the error."""
    for name, (flags, message) in FLAGS.items():
        yield name, "train.py", {"data_dir": data_dir, **flags}, message
    for name, spoil in SPOILT.items():
        copy = spoilt_datasets.copy_of(data_dir, folder / name)
        flags = {"data_dir": copy, **MORE_FLAGS.get(name, {})}
        yield name, "train.py", flags, spoil(copy)


def result_cases(folder, data_dir):
    """The same for the programs that use a trained model."""
    copy = spoilt_datasets.copy_of(data_dir, folder / "bad test split")
    broken = flip(copy, "test", 4).removeprefix(f"{folder}/")
    for program in PROGRAMS:
        for name, (_, message) in MODELS.items():
            flags = {"model": f"{name}.keras", "data_dir": data_dir}
            yield f"{program}, {name}", program, flags, message
        right = {"model": "fitting.keras", "data_dir": data_dir}
        for name, (flags, message) in DATA.items():
            message = message.format(broken=broken)
            yield f"{program}, {name}", program, {**right, **flags}, message
    right["records"], right["output"] = f"{data_dir}/test-*", "refused"
    for name, (flags, message) in RECORDS.items():
        flags = {k: x for k, x in {**right, **flags}.items() if x is not None}
        yield name, "predict.py", flags, message.format(broken=broken)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bad_input")


@pytest.fixture(scope="module")
def results(folder, data_dir, multi_label_dir):
    """Of each case the finished process, its output folder, the message."""
    (folder / "multi_label").symlink_to(multi_label_dir)
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
        name: (result, flags.get("output_dir"), message)
        for (name, _, _, message), (_, flags), result in zip(
            cases, commands, done, strict=True
        )
    }


@pytest.mark.parametrize("case", [*FLAGS, *SPOILT, *OF_MODELS])
def test_the_message_has_three_parts_and_names_what_is_wrong(case, results):
    result, _, expected = results[case]
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    (message,) = (x for x in result.stderr.splitlines() if "Received:" in x)
    assert expected in message
    assert re.search(r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$", message)


@pytest.mark.parametrize("case", RECORDS)
def test_invalid_flags_of_records_are_rejected_in_three_parts(case, results):
    result, _, expected = results[case]
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == 1 and "Traceback" not in text
    assert re.search(r"Expected [^.]+.*\. Received: .+\. [A-Z]\w* .+\.", text)
    assert expected in text


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
    """A run that skips, and one of a bad test split, repaired in between."""
    skipped = spoilt_datasets.copy_of(data_dir, folder / "skipped")
    places = [
        flip(skipped, "train", 3),
        flip(skipped, "train", 20),
        f"{cut(skipped, 'validation', -3)}, byte",
        flip(skipped, "test", 0),
    ]
    copy = spoilt_datasets.copy_of(data_dir, folder / "repaired")
    place = flip(copy, "test", 2)
    skip = {"skip_corrupt_records": True}
    skipping = {**BASE, "data_dir": skipped, "output_dir": folder / "skipping"}
    repaired = {**BASE, "data_dir": copy, "output_dir": folder / "resumed"}
    first, refused = run_cases(
        [("train.py", skipping | skip), ("train.py", repaired)], cwd=folder
    )
    epochs = (folder / "resumed" / "epochs.csv").read_bytes()
    left = {x.name for x in (folder / "resumed").iterdir()}
    shutil.copytree(folder / "resumed", folder / "leaving out")
    without = {**repaired, **skip, "output_dir": folder / "leaving out"}
    (left_out,) = run_cases([("train.py", without)], cwd=folder)
    shutil.copy(shard_path(data_dir, "test"), shard_path(copy, "test"))
    (finished,) = run_cases([("train.py", repaired)], cwd=folder)
    return {
        "skipping": (first, places),
        "refused": (refused, place, left),
        "left out": (left_out, place),
        "finished": (finished, epochs),
    }


def result_of(folder, process):
    assert process.returncode == 0, process.stderr[-2000:]
    return spoilt_datasets.read_values(folder / "result.json")


def test_skipping_lists_each_broken_record_trains_and_counts_the_rest(
    runs, folder
):
    process, places = runs["skipping"]
    values = result_of(folder / "skipping", process)
    assert "4 corrupt records are skipped" in process.stdout
    path = folder / "skipping" / "skipped_records.txt"
    lines = path.read_text().splitlines()
    for line, place in zip(lines, places, strict=True):
        assert line.startswith(place) and line in process.stdout
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
    process, epochs = runs["finished"]
    values = result_of(folder / "resumed", process)
    assert (folder / "resumed" / "epochs.csv").read_bytes() == epochs
    assert len(epochs.splitlines()) == 2
    assert values["epochs"] == 1 and values["test_clips_of_saved_model"] == 25


def test_a_run_can_continue_and_leave_out_corrupt_records(runs, folder):
    process, place = runs["left out"]
    values = result_of(folder / "leaving out", process)
    path = folder / "leaving out" / "skipped_records.txt"
    assert path.read_text() == f"{place}\n"
    assert values["epochs"] == 1 and values["test_clips_of_saved_model"] == 24
