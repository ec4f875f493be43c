"""predict.py CLIP.mp4: classes of media files, and pictures of them."""

import json
import re
import shutil

import pytest
from matplotlib import image

from support.media.extracted_media import BROKEN
from support.media.extracted_media import SILENT
from support.media.extracted_media import copy_description
from support.media.extracted_media import damage_audio
from support.media.extracted_media import make_model
from support.media.extracted_media import write_dataset
from support.programs import run_cases

pytestmark = pytest.mark.programs

pytest.importorskip("av")
pytest.importorskip("cv2")

REFUSED = {  # flags, whether there are media files, and what is said
    "records": ({"records": "part-*"}, True, "no --records with media files"),
    "a server": (
        {"server": "localhost:1", "model_name": "a"},
        True,
        "no --server with media files. Received: --server, --model_name",
    ),
    "a split": ({"split": "test"}, True, "no --split with media files"),
    "batches": ({"batch_size": 4}, True, "no --batch_size with media files"),
    "an output": ({"output": "here"}, True, "no --output with media files"),
    "no files": ({"explain": "here"}, False, "--explain without media files"),
    "pictures of records": (
        {"records": "part-*", "output": "here", "explain": "here"},
        False,
        "no --explain with --records",
    ),
    "no backbones": (
        {"data_dir": "bare"},
        True,
        "flow.keras, no file. Copy the folder backbones from",
    ),
    "other origin": ({"data_dir": "other"}, True, "extract_features.py wrote"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Media files, the dataset that was made of them, and its model."""
    folder = tmp_path_factory.mktemp("predict_media")
    media_dir, rows, data_dir = write_dataset(folder)
    make_model(data_dir).save(folder / "model.keras")
    for name, number in {"silent": SILENT, "text": BROKEN, "a": 0}.items():
        shutil.copy(media_dir / rows[number].path, folder / f"{name}.mp4")
    (folder / "more").mkdir()
    shutil.copy(folder / "a.mp4", folder / "more")
    damage_audio(folder / "a.mp4", folder / "damaged.mp4")
    shutil.rmtree(copy_description(data_dir, folder / "bare") / "backbones")
    other = copy_description(data_dir, folder / "other") / "manifest.json"
    other.write_text(
        json.dumps({**json.loads(other.read_text()), "settings": {}})
    )
    return folder


@pytest.fixture(scope="module")
def results(folder):
    """By case, the finished process."""
    right = {"model": "model.keras", "data_dir": "records"}
    files = ["a.mp4", "text.mp4", "silent.mp4", "damaged.mp4", "more/a.mp4"]
    cases = {
        "some": ({**right, "explain": "pictures"}, *files, "nowhere.mp4"),
        "good": ({**right, "top_k": 1, "eval_frames": 2}, "a.mp4"),
        "as a split": ({**right, "split": "train", "batch_size": 1},),
    }
    for name, (flags, has_files, _) in REFUSED.items():
        cases[name] = ({**right, **flags}, *(["a.mp4"] if has_files else []))
    commands = [("predict.py", *case) for case in cases.values()]
    done = run_cases(commands, cwd=folder)
    return dict(zip(cases, done, strict=True))


@pytest.fixture(scope="module")
def lines(results):
    """Printed rows of several files, by path."""
    rows = [json.loads(x) for x in results["some"].stdout.splitlines()]
    return {row["path"]: row for row in rows}


def test_there_is_a_line_for_each_file_in_the_order_given(results, lines):
    paths = re.findall(r'"path": "(.*?)"', results["some"].stdout)
    assert paths == [
        *("a.mp4", "text.mp4", "silent.mp4", "damaged.mp4", "more/a.mp4"),
        "nowhere.mp4",
    ]
    broken = {path for path, row in lines.items() if "error" in row}
    assert broken == {"text.mp4", "nowhere.mp4"}
    for path in broken:
        assert set(lines[path]) == {"path", "error"}
        assert re.search(
            f"Expected .+ Received: .*{path}", lines[path]["error"]
        )
    assert results["some"].returncode == 1
    assert "2 of 6 files could not be used." in results["some"].stderr
    assert "Traceback" not in results["some"].stderr
    assert lines["damaged.mp4"]["problems"] and lines["damaged.mp4"]["classes"]
    assert "problems" not in lines["a.mp4"]


def test_a_file_is_given_the_classes_of_its_record(results, lines):
    rows = map(json.loads, results["as a split"].stdout.splitlines())
    records = {row["id"]: row for row in rows}
    assert len(records) == 7
    for path, number in {"a.mp4": 0, "silent.mp4": SILENT}.items():
        record = records[f"left/clip{number}"]
        assert lines[path]["classes"] == record["classes"]
        assert lines[path]["scores"] == pytest.approx(
            record["scores"], abs=5e-6
        )
    assert lines["a.mp4"]["scores"] != lines["silent.mp4"]["scores"]


def test_each_file_that_is_used_has_a_picture(lines, folder):
    pictures = {
        path: row["picture"] for path, row in lines.items() if "picture" in row
    }
    assert pictures == {
        "a.mp4": "pictures/a.mp4.png",
        "silent.mp4": "pictures/silent.mp4.png",
        "damaged.mp4": "pictures/damaged.mp4.png",
        "more/a.mp4": "pictures/a.mp4-2.png",
    }
    assert len(list((folder / "pictures").iterdir())) == 4
    drawn = [image.imread(folder / path) for path in pictures.values()]
    assert all(x.shape[1] == 1000 and x.std() > 0.1 for x in drawn)
    assert drawn[1].shape[0] < drawn[0].shape[0]  # has no spectrogram


def test_a_run_without_errors_ends_well(results):
    assert results["good"].returncode == 0, results["good"].stderr
    (row,) = map(json.loads, results["good"].stdout.splitlines())
    assert set(row) == {"path", "classes", "scores"}
    assert len(row["classes"]) == len(row["scores"]) == 1


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case, results):
    result, said = results[case], REFUSED[case][2]
    text = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == 1 and "Traceback" not in text
    assert said in text
    assert re.search(r"Expected .+\. Received: .+\. [A-Z].+\.", text)
