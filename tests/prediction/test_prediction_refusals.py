"""Files, folders and settings that do not fit are refused and left alone."""

import json
import shutil
import sys

import pytest

from support.prediction.clip_files import contents
from support.prediction.clip_files import describe

OTHER_SETTINGS = {  # What is asked of a folder, and what is said of it.
    "model": ({"model_id": "1"}, 'model="1" instead of "0"'),
    "top_k": ({"top_k": 2}, "top_k=2 instead of 3"),
    "eval_frames": ({"sample_size": 4}, "eval_frames=4 instead of 0"),
    "format": ({"format": "csv"}, 'format="csv" instead of "jsonl"'),
    "description": (
        {"description": describe(seed=3)},
        r'description=.*"seed": 3.* instead of .*"seed": null',
    ),
}


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_a_folder_begun_with_another_setting_is_rejected(
    name, predicted, records, predict
):
    changes, said = OTHER_SETTINGS[name]
    before = contents(predicted)
    with pytest.raises(ValueError, match=f"started with. Received: {said}"):
        predict(records, predicted, **changes)
    assert contents(predicted) == before
    assert not (predicted / "counted").exists()


def test_another_batch_size_goes_on(predicted, records, predict):
    outcome = predict(records, predicted, batch_size=2)
    assert outcome.num_missing == 0


def one_more(folder):
    shutil.copy(folder / "part-0.tfrecord", folder / "part-1b")
    return "part-1b, which was not among the files"


def one_less(folder):
    (folder / "part-2.tfrecord").unlink()
    return "2 files without .*part-2.tfrecord"


def one_longer(folder):
    path = folder / "part-0.tfrecord"  # Its predictions are there.
    size = path.stat().st_size
    path.write_bytes(2 * path.read_bytes())
    return f"part-0.tfrecord of {2 * size} bytes instead of {size}"


@pytest.mark.parametrize("change", [one_more, one_less, one_longer])
def test_a_folder_begun_with_other_files_is_rejected(
    change, records, predict, tmp_path
):
    copy = shutil.copytree(records, tmp_path / "records")
    output = tmp_path / "output"
    predict(copy, output, shard=(0, 2))
    said = change(copy)
    with pytest.raises(ValueError, match=f"Received: .*{said}. Choose another"):
        predict(copy, output)


def test_predictions_of_unknown_settings_are_rejected(
    predicted, records, predict, tmp_path
):
    copy = shutil.copytree(predicted, tmp_path / "copy")
    (copy / "predictions.json").unlink()
    with pytest.raises(ValueError, match="and no predictions.json"):
        predict(records, copy)


ARGUMENTS = {
    "no file": (
        {"records": ["part-*", "none-*"]},
        "'none-\\*', which matches none",
    ),
    "no pattern": ({"records": []}, "one pattern of files or more"),
    "a folder": ({"records": ["."]}, r"records\d*, which is a folder"),
    "a shard too high": ({"shard": (2, 2)}, r"Received: shard=\(2, 2\)"),
    "a shard of none": ({"shard": (0, 0)}, r"Received: shard=\(0, 0\)"),
    "an unknown format": ({"format": "xml"}, "Received: format='xml'"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_cannot_be_are_rejected(
    case, records, predict, tmp_path, monkeypatch
):
    changes, said = ARGUMENTS[case]
    monkeypatch.chdir(records)
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        predict(records, tmp_path / "output", **changes)
    assert not (tmp_path / "output").exists()


def test_a_file_is_no_output_folder(records, predict, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "output"):
        with pytest.raises(ValueError, match="that is writable. Rec"):
            predict(records, output)


def test_parquet_without_its_package_is_rejected(
    records, predict, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"Install ac-keras\[parquet\]"):
        predict(records, tmp_path / "output", format="parquet")
    assert not (tmp_path / "output").exists()


def test_a_full_disk_is_told_and_leaves_no_part(
    records, predict, tmp_path, monkeypatch
):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", lambda _: None)
    predict(records, tmp_path, shard=(0, 2))
    before = contents(tmp_path)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="to write .*-1.jsonl. Received: .*No"):
        predict(records, tmp_path)
    assert contents(tmp_path) == before


def test_a_file_named_twice_is_read_once(
    predicted, records, predict, tmp_path, monkeypatch
):
    monkeypatch.chdir(records)
    twice = ["part-*", str(records / "*-1.tfrecord"), "./part-0.tfrecord"]
    predict(records, tmp_path, records=twice)
    assert contents(tmp_path) == contents(predicted)


def test_files_of_one_name_have_files_of_their_own(records, predict, tmp_path):
    folders = [shutil.copytree(records, tmp_path / name) for name in "ab"]
    output = tmp_path / "output"
    predict(
        records, output, records=[str(folder / "part-1*") for folder in folders]
    )
    files = json.loads((output / "summary.json").read_text())["files"]
    assert [(x["predictions"], x["file"]) for x in files] == [
        (f"{i:05d}-of-00002-part-1.jsonl", str(folder / "part-1.tfrecord"))
        for i, folder in enumerate(folders)
    ]
    assert all((output / x["predictions"]).is_file() for x in files)
