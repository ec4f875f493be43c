"""Versions of export_saved_model: numbers, completeness and errors."""

import dataclasses
import os
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from ac_keras import serving
from ac_keras.pipeline import Modality
from ac_keras.serving import export as version_folder
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import draw_clips
from support.serving.served_classifier import make_classifier


def export(folder, model=None, description=DESCRIPTION, **kwargs):
    model = model or make_classifier()
    return serving.export_saved_model(model, folder, description, **kwargs)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def scores_of(version, inputs):
    serve = tf.saved_model.load(str(version)).signatures["serving_default"]
    tensors = {name: tf.constant(x) for name, x in inputs.items()}
    return serve(**tensors)["scores"].numpy()


def test_complete_versions_are_numbered_from_one(tmp_path):
    inputs = draw_clips(3, 6, 4)
    first = export(tmp_path, make_classifier(seed=1))
    second = export(tmp_path, make_classifier(seed=2))
    assert [first, second] == [tmp_path / "1", tmp_path / "2"]
    assert names_in(tmp_path) == ["1", "2"]
    scores = [scores_of(version, inputs) for version in (first, second)]
    assert scores[0].shape == scores[1].shape == (3, 5)
    assert abs(scores[0] - scores[1]).max() > 1e-2


def test_the_next_version_is_above_the_highest(tmp_path):
    for name in ("2", "10", "notes", "11.old"):
        (tmp_path / name).mkdir()
    assert export(tmp_path) == tmp_path / "11"


def test_the_folder_is_made_with_its_parents(tmp_path):
    version = export(str(tmp_path / "models" / "animals"))
    assert version == tmp_path / "models" / "animals" / "1"
    assert (version / "saved_model.pb").is_file()


def test_a_failing_export_leaves_nothing_and_takes_no_number(
    tmp_path, monkeypatch
):
    def fail_half_way(module, path, **kwargs):
        tf.io.gfile.makedirs(f"{path}/variables")
        tf.io.write_file(f"{path}/saved_model.pb", "half")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tf.saved_model, "save", fail_half_way)
        with pytest.raises(OSError, match="No space left"):
            export(tmp_path)
    assert names_in(tmp_path) == []
    assert export(tmp_path) == tmp_path / "1"


def test_a_version_has_its_name_only_when_it_is_complete_and_checked(
    tmp_path, monkeypatch
):
    seen, files, save = [], [], tf.saved_model.save

    def watch(module, path, **kwargs):
        save(module, path, **kwargs)
        seen.extend(names_in(tmp_path))

    def check(path):
        seen.extend(names_in(tmp_path))
        files.extend(names_in(path))

    monkeypatch.setattr(tf.saved_model, "save", watch)
    version = export(tmp_path, check=check)
    assert [x.isdecimal() for x in seen] == [False, False]
    assert files == names_in(version)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_version_that_fails_its_check_never_appears(error, tmp_path):
    def check(path):
        raise error("no")

    with pytest.raises(error, match="no"):
        export(tmp_path, check=check)
    assert names_in(tmp_path) == []


def test_two_that_export_at_once_get_two_numbers(tmp_path):
    with version_folder.new_version(tmp_path) as slow:
        slow.partial.mkdir()
        fast = export(tmp_path / "other").rename(tmp_path / "1")
    assert [fast, slow.path] == [tmp_path / "1", tmp_path / "2"]


def test_what_a_killed_export_left_is_removed(tmp_path):
    host = socket.gethostname()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = tmp_path / f".{host}.{process.pid}.partial"
    alive = tmp_path / f".{host}.{os.getppid()}.partial"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "saved_model.pb").touch()
    export(tmp_path)
    assert names_in(tmp_path) == [alive.name, "1"]


FEWER_CLASSES = dataclasses.replace(DESCRIPTION, class_names=CLASS_NAMES[:-1])
OTHER_DIM = dataclasses.replace(
    DESCRIPTION, modalities={"rgb": Modality(6), "audio": Modality(4)}
)
OF_MODEL = "expects modalities of dims .*'rgb': 5.* and 7 classes"


@pytest.mark.parametrize(
    "options, expected, received",
    [
        ({"description": FEWER_CLASSES}, OF_MODEL, "5.* and 6 class names"),
        ({"description": OTHER_DIM}, OF_MODEL, "6.* and 7 class names"),
        ({"top_k": 0}, "", "top_k=0"),
        ({"sample_size": -1}, "", "sample_size=-1"),
        ({"max_num_frames": 0}, "", "max_num_frames=0"),
        (
            {"sequence_format": "clip"},
            "expects sequence_format among .*'youtube8m'",
            "'clip'",
        ),
    ],
)
def test_other_descriptions_and_settings_out_of_range_are_rejected(
    options, expected, received, tmp_path
):
    message = f"(?s){expected}.*Received: .*{received}"
    with pytest.raises(ValueError, match=message):
        export(tmp_path, **options)
    assert names_in(tmp_path) == []


def test_a_version_without_the_servers_messages_has_no_warm_up(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    version = export(tmp_path)
    assert "install ac-keras[serving]" in caplog.text
    assert not (version / "assets.extra").exists()
    assert (version / "saved_model.pb").is_file()
