"""predict.py --records: a file of predictions for each file of records."""

import json
import re
import shutil
import signal

import numpy as np
import pytest

from support.programs import as_flags
from support.programs import output_of
from support.programs import run_cases
from support.programs import start_program
from support.runs import killed_training
from support.runs import numpy_classifier
from support.runs import spoilt_datasets
from support.runs.tiny_dataset import CLASS_NAMES

pytestmark = pytest.mark.programs

NUM_CLIPS = {"validation": 23, "test": 25}
MANY = 2000  # files, so many that a signal comes in between


@pytest.fixture(scope="module")
def folder(finished_run, data_dir, tmp_path_factory):
    """Records, and beside them a description without its dataset."""
    folder = tmp_path_factory.mktemp("bulk")
    shutil.copytree(data_dir, folder / "records")
    (folder / "records" / "manifest.json").rename(folder / "manifest.json")
    shutil.copy(finished_run.output_dir / "model.keras", folder)
    return folder


def flags_of(folder, output, *patterns, **changes):
    return {
        "model": folder / "model.keras",
        "data_dir": folder,
        "records": ",".join(f"{folder}/records/{x}" for x in patterns),
        "output": folder / output,
        **changes,
    }


@pytest.fixture(scope="module")
def shares(folder):
    """Output of two processes that share the work at the same time."""
    flags = flags_of(folder, "shared", "test-*", "validation-*", top_k=2)
    cases = [("predict.py", {**flags, "shard": f"{i},2"}) for i in range(2)]
    return [output_of(x) for x in run_cases(cases, folder)]


def test_two_processes_predict_all_clips(shares, folder, data_dir):
    assert len(shares) == 2
    rows = [
        json.loads(line)
        for path in sorted((folder / "shared").glob("0*"))
        for line in path.read_text().splitlines()
    ]
    assert [row["id"] for row in rows] == [
        f"{split}-{i:03d}"
        for split in ("test", "validation")
        for i in range(NUM_CLIPS[split])
    ]
    probabilities = [
        numpy_classifier.predict(
            folder / "model.keras", numpy_classifier.read_clips(data_dir, split)
        )
        for split in ("test", "validation")
    ]
    for row, expected in zip(rows, np.concatenate(probabilities), strict=True):
        best = np.argsort(-expected)[:2]
        assert row["classes"] == [CLASS_NAMES[i] for i in best]
        np.testing.assert_allclose(row["scores"], expected[best], atol=1e-4)


def test_the_last_line_and_the_summary_count_clips_and_files(shares, folder):
    lines = [text.splitlines()[-1] for text in shares]
    found = [
        re.match(r"(\d+) clips in (\d) files, \d+\.\d s, \d+ clips/s", line)
        for line in lines
    ]
    assert [x[2] for x in found] == ["2", "1"]
    assert sum(int(x[1]) for x in found) == sum(NUM_CLIPS.values())
    output = folder / "shared"
    summary = json.loads((output / "summary.json").read_text())
    assert summary["num_clips"] == sum(NUM_CLIPS.values())
    assert {x.name for x in output.iterdir()} == {
        *(x["predictions"] for x in summary["files"]),
        "predictions.json",
        "summary.json",
    }


def test_a_ctrl_c_ends_a_run_with_a_message_and_whole_files(folder):
    source = spoilt_datasets.shard_path(folder / "records", "test")
    for i in range(MANY):
        (folder / "records" / f"many-{i:04d}").symlink_to(source)
    output = folder / "stopped"
    flags = as_flags(flags_of(folder, "stopped", "many-*"))
    with start_program("predict.py", *flags) as process:
        assert killed_training.wait_until(
            process, lambda: any(output.glob("0*"))
        )
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    done = len(list(output.glob("0*")))
    assert process.returncode == 128 + signal.SIGINT
    assert errors.splitlines()[-1] == (
        f"Stopped by SIGINT: {done} of {MANY} files are done and "
        "remain. Run the same command again to continue."
    )
    assert "Traceback" not in errors and 0 < done < MANY
    counts = {len(x.read_text().splitlines()) for x in output.glob("0*")}
    assert counts == {12}
    names = {x.name for x in output.iterdir() if x.name[0] != "0"}
    assert names == {"counted", "predictions.json"}
