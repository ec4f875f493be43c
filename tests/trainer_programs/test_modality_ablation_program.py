"""modality_ablation.py: trains what is missing and writes the page."""

import json
import types

import pytest

from support.programs import output_of
from support.programs import run_cases

pytestmark = pytest.mark.programs

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


def test_the_run_that_was_missing_is_trained_as_its_flagfile_says(done, page):
    flags = read_json(done, "flags.json")
    assert flags["num_units"] == ["audio:1"]
    assert (flags["seed"], flags["epochs"], flags["shift"]) == (4, 2, True)
    assert 0 <= read_json(done, "result.json")["test_accuracy"] <= 1


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


def test_a_run_that_fails_is_named_with_its_log(done):
    result = done.results["wrong"]
    assert result.returncode == 1
    assert "of other/wrong/rgb/seed_4 failed" in result.stderr
    assert "no_such_flag" in result.stderr


@pytest.mark.parametrize("case", REJECTED)
def test_flags_that_cannot_be_read_are_named(done, case):
    assert done.results[case].returncode == 1
    assert REJECTED[case][1] in done.results[case].stderr


def test_results_of_another_flagfile_are_not_taken_for_this_ones(done):
    result = done.results["other"]
    assert result.returncode == 1
    assert "runs/clusters to be empty or this run's" in result.stderr
    assert "epochs: '2' there, '3' now" in result.stderr
