"""Sets of modalities, tables of their results, and modality_ablation.py."""

import json
import types

import pytest
from ablation_table import ModalityAblation
from ablation_table import accuracy_table
from ablation_table import modality_sets
from ablation_table import seed_table
from ablation_table import set_name

from support.programs import output_of
from support.programs import run_cases

PROGRAM = "modality_ablation.py"
FLAGFILES = {"clusters": "--shift=true", "pooling": "--weighting=average"}
SETTINGS = "--num_units=rgb:3,flow:2,audio:1\n--epochs=2\n--batch_size=16\n"
SETS = ["rgb", "audio", "flow", "rgb+audio", "rgb+flow", "audio+flow"]
SETS += ["rgb+audio+flow"]
REJECTED = {  # Flags, and part of the error.
    "no name": (
        {"methods": "clusters.flags"},
        "Expected --methods as NAME=FLAGFILE",
    ),
    "seeds": ({"seeds": "one"}, "Expected --seeds"),
    "no flagfile": (
        {"methods": "x=none.flags"},
        "Expected --methods to name flagfiles",
    ),
    "twice": (
        {"methods": "x=clusters.flags,x=pooling.flags"},
        "with each name and file once",
    ),
    "several labels": (
        {"data_dir": "several_labels", "output_dir": "several"},
        "Expected a dataset with one label per clip",
    ),
}
LEFT = "audio"  # of the clusters, and absent from some clips; others are there


def write_result(folder, test):
    """Writes the files of a complete run that the program reads."""
    folder.mkdir(parents=True)
    figures = {"test_accuracy": test, "validation_accuracy": test}
    figures |= {"training_seconds": 6, "tensorflow": "1", "keras": "2"}
    (folder / "result.json").write_text(json.dumps(figures))
    dataset = {"name": "tiny", "manifest_sha256": "0123456789abcdef" * 4}
    (folder / "dataset.json").write_text(json.dumps(dataset))


@pytest.fixture(scope="module")
def done(data_dir, multi_label_dir, tmp_path_factory):
    """A run of the program where one training is missing, and errors."""
    cwd = tmp_path_factory.mktemp("ablation")
    for name, setting in FLAGFILES.items():
        (cwd / f"{name}.flags").write_text(f"{SETTINGS}{setting}\n")
        for number, names in enumerate(SETS):
            if (name, names) != ("clusters", LEFT):
                folder = cwd / "runs" / name / names / "seed_4"
                write_result(folder, 0.1 + number / 100)
    (cwd / "wrong.flags").write_text(f"{SETTINGS}--no_such_flag=1\n")
    (cwd / "about.md").write_text("So it is.\n")
    (cwd / "several_labels").symlink_to(multi_label_dir)
    flags = {"data_dir": data_dir, "output_dir": "runs", "seeds": 4}
    flags["methods"] = ",".join(f"{name}={name}.flags" for name in FLAGFILES)
    cases = {
        "whole": flags | {"page": "page.md", "about": "about.md"},
        "wrong": flags | {"methods": "x=wrong.flags", "output_dir": "other"},
        **{name: flags | changes for name, (changes, _) in REJECTED.items()},
    }
    results = run_cases([(PROGRAM, x) for x in cases.values()], cwd=cwd)
    (cwd / "clusters.flags").write_text(SETTINGS.replace("2\n", "3\n"))
    (other,) = run_cases([(PROGRAM, flags)], cwd=cwd)
    results = dict(zip(cases, results, strict=True)) | {"other": other}
    return types.SimpleNamespace(cwd=cwd, results=results)


@pytest.fixture(scope="module")
def page(done):
    output_of(done.results["whole"])
    return (done.cwd / "page.md").read_text()


def read_json(done, name):
    folder = done.cwd / "runs" / "clusters" / LEFT / "seed_4"
    return json.loads((folder / name).read_text())


@pytest.mark.programs
def test_the_run_that_was_missing_is_trained_as_its_flagfile_says(done, page):
    flags = read_json(done, "flags.json")
    assert flags["num_units"] == ["audio:1"]
    assert (flags["seed"], flags["epochs"], flags["shift"]) == (4, 2, True)
    assert 0 <= read_json(done, "result.json")["test_accuracy"] <= 1


@pytest.mark.programs
def test_the_page_has_the_command_and_every_set(done, page):
    result = read_json(done, "result.json")
    test = f"{100 * result['test_accuracy']:.1f}"
    validation = f"{100 * result['validation_accuracy']:.1f}"
    lines = page.splitlines()
    assert lines[:3] == ["# tiny: every set of its modalities", "", "So it is."]
    assert "| rgb, flow | 14.0 (14.0) | 14.0 (14.0) |" in lines
    assert f"| audio | {test} ({validation}) | 11.0 (11.0) |" in lines
    best = max(100 * result["test_accuracy"], 12)
    gain = f"{16 - best:+.1f}".replace("-", "−")
    assert f"| 4 | 16.0 | {best:.1f} ({gain}) | 16.0 (0.0) |" in lines
    command = page.split("```")[1]
    assert "--data_dir=records/tiny" in command
    assert "--methods=clusters=clusters.flags,pooling=pooling.flags" in command


@pytest.mark.programs
def test_a_run_that_fails_is_named_with_its_log(done):
    result = done.results["wrong"]
    assert result.returncode == 1
    assert "of other/wrong/rgb/seed_4 failed" in result.stderr
    assert "no_such_flag" in result.stderr


@pytest.mark.programs
@pytest.mark.parametrize("case", REJECTED)
def test_flags_that_cannot_be_read_are_named(done, case):
    assert done.results[case].returncode == 1
    assert REJECTED[case][1] in done.results[case].stderr


@pytest.mark.programs
def test_results_of_another_flagfile_are_not_taken_for_this_ones(done):
    result = done.results["other"]
    assert result.returncode == 1
    assert "runs/clusters to be empty or this run's" in result.stderr
    assert "epochs: '2' there, '3' now" in result.stderr


PAIR = [("rgb",), ("audio",), ("rgb", "audio")]
TEST = {  # by method and set, of two seeds
    ("clusters", ("rgb",)): (0.50, 0.54),
    ("clusters", ("audio",)): (0.40, 0.60),
    ("clusters", ("rgb", "audio")): (0.80, 0.70),
    ("pooling", ("rgb",)): (0.30, 0.32),
    ("pooling", ("audio",)): (0.20, 0.28),
    ("pooling", ("rgb", "audio")): (0.65, 0.75),
}


@pytest.fixture
def ablation():
    results = {
        (method, names, seed): {
            "test_accuracy": values[seed],
            "validation_accuracy": values[seed] + 0.01,
        }
        for (method, names), values in TEST.items()
        for seed in (0, 1)
    }
    return ModalityAblation(
        ["rgb", "audio"], ["clusters", "pooling"], [0, 1], results
    )


def test_sets_are_all_but_the_empty_one_smallest_first():
    assert modality_sets(["rgb", "audio"]) == PAIR
    sets = modality_sets(["a", "b", "c", "d"])
    assert len(set(sets)) == 15
    assert list(map(len, sets)) == sorted(map(len, sets))
    assert set_name(("rgb", "audio")) == "rgb+audio"


def test_the_best_single_modality_is_each_seeds_own(ablation):
    assert ablation.best_single("clusters") == pytest.approx([50, 60])
    assert ablation.best_single("pooling") == pytest.approx([30, 32])


def test_tables_have_a_row_for_each_set_and_for_each_seed(ablation):
    assert accuracy_table(ablation).splitlines() == [
        "| modalities | clusters | pooling |",
        "| --- | ---: | ---: |",
        "| rgb | 52.0 ± 2.8 (53.0) | 31.0 ± 1.4 (32.0) |",
        "| audio | 50.0 ± 14.1 (51.0) | 24.0 ± 5.7 (25.0) |",
        "| rgb, audio | 75.0 ± 7.1 (76.0) | 70.0 ± 7.1 (71.0) |",
    ]
    assert seed_table(ablation).splitlines()[2:] == [
        "| 0 | 80.0 | 50.0 (+30.0) | 65.0 (+15.0) |",
        "| 1 | 70.0 | 60.0 (+10.0) | 75.0 (−5.0) |",
    ]
    one = ModalityAblation(["rgb"], ["clusters"], [1], ablation.results)
    assert accuracy_table(one).splitlines()[2:] == ["| rgb | 54.0 (55.0) |"]
