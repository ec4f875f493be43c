"""predict.py --records with flags and files that do not fit."""

import re
import shutil

import pytest

from ac_keras import cluster_classifier
from support.programs import run_cases
from support.runs import spoilt_datasets
from support.runs.tiny_dataset import CLASS_NAMES
from support.runs.tiny_dataset import MODALITIES

pytestmark = pytest.mark.programs

ERRORS = {  # Flags that do not fit, and what is said of them.
    "no output": ({"output": ""}, "Expected --output with --records."),
    "no file": ({"records": "no-*"}, "'no-*', which matches none"),
    "no folder": ({"output": "manifest.json"}, "manifest.json, File exists."),
    "no description": ({"data_dir": "nowhere"}, "Received: nowhere, which"),
    "no shard": ({"shard": "1"}, "--shard as INDEX,COUNT. Received: 1."),
    "a shard too high": ({"shard": "2,2"}, "Received: shard=(2, 2)."),
    "a split": ({"split": "test"}, "no --split with --records. Received"),
    "broken": ({"records": "records/broken"}, "checksum"),
}


@pytest.fixture(scope="module")
def folder(data_dir, tmp_path_factory):
    """Records, their manifest and an untrained model."""
    folder = tmp_path_factory.mktemp("bulk_errors")
    shutil.copytree(data_dir, folder / "records")
    (folder / "records" / "manifest.json").rename(folder / "manifest.json")
    dims = {name: modality.dim for name, modality in MODALITIES.items()}
    model = cluster_classifier(dims, dict.fromkeys(dims, 2), len(CLASS_NAMES))
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="module")
def refused(folder):
    """The finished process of each case."""
    source = spoilt_datasets.shard_path(folder / "records", "train")
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    (folder / "records" / "broken").write_bytes(data)
    right = {
        "model": "model.keras",
        "data_dir": ".",
        "records": "records/test-*",
        "output": "refused",
    }
    cases = [("predict.py", {**right, **x}) for x, _ in ERRORS.values()]
    split = {"model": "model.keras", "data_dir": ".", "format": "csv"}
    done = run_cases([*cases, ("predict.py", split)], cwd=folder)
    return dict(zip([*ERRORS, "no records"], done, strict=True))


@pytest.mark.parametrize("case", ERRORS)
def test_flags_that_do_not_fit_are_told_in_three_parts(case, refused):
    result, said = refused[case], ERRORS[case][1]
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == 1 and "Traceback" not in text
    assert re.search(r"Expected [^.]+.*\. Received: .+\. [A-Z]\w* .+\.", text)
    assert said in text


def test_flags_of_records_without_records_are_refused(refused):
    text = " ".join(refused["no records"].stdout.split())
    text += " ".join(refused["no records"].stderr.split())
    assert "no --format without --records. Received: --format." in text


def test_a_broken_record_is_named_by_file_and_byte(refused, folder):
    path = folder / "records" / "broken"
    place = spoilt_datasets.place_of(path, 31)
    said = f"{path}, byte {place}: a record whose data has a wrong checksum"
    assert said in refused["broken"].stderr
