"""visualize.py: runs of one name, and runs that lack something."""

import pytest

from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program

pytestmark = pytest.mark.programs


def visualize(cwd, *runs, **flags):
    values = {"runs": ",".join(map(str, runs)), "output_dir": "pictures"}
    flags = as_flags({"data_dir": "records", **values, **flags})
    return run_program("visualize.py", *flags, cwd=cwd)


def test_runs_of_one_name_are_told_apart(finished_run, tmp_path, data_dir):
    folders = [tmp_path / parent / "run" for parent in ("first", "second")]
    for folder in folders:
        folder.mkdir(parents=True)
        for name in ("model.keras", "epochs.csv"):
            (folder / name).symlink_to(finished_run.output_dir / name)
    printed = output_of(visualize(tmp_path, *folders, data_dir=data_dir))
    assert "The plots are in pictures" in printed
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "accuracy.png",
        "attention_first-run.png",
        "attention_second-run.png",
    ]


def test_what_a_run_lacks_is_said(tmp_path):
    for name in ("done", "begun"):
        (tmp_path / name).mkdir()
    for name in ("model.keras", "epochs.csv"):
        (tmp_path / "done" / name).touch()
    (tmp_path / "begun" / "epochs.csv").touch()
    result = visualize(tmp_path, "done", "begun", "nowhere")
    assert result.returncode == 1
    assert "Expected every run to have model.keras and" in result.stderr
    for name in ("begun/model.keras", "nowhere/model.keras"):
        assert f"no {tmp_path / name}" in result.stderr
    assert "done" not in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("run,run/", "each folder once. Received: run,run/."),
        ("finished", "without ['gap', 'val_gap']"),
    ],
)
def test_a_run_named_twice_and_a_metric_that_none_measured_are_rejected(
    runs, message, finished_run, tmp_path, data_dir
):
    (tmp_path / "finished").symlink_to(finished_run.output_dir)
    result = visualize(tmp_path, runs, data_dir=data_dir, metric="gap")
    assert result.returncode == 1
    assert message in result.stderr and "Traceback" not in result.stderr
