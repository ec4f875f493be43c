"""Where export_saved_model puts what it writes."""

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


def patch_writing(monkeypatch, save):
    before = tf.saved_model.save
    monkeypatch.setattr(tf.saved_model, "save", save)
    return before


def fail_half_way(module, path, **kwargs):
    """Saves as if the disk were full."""
    tf.io.gfile.makedirs(f"{path}/variables")
    tf.io.write_file(f"{path}/saved_model.pb", "half")
    raise OSError("No space left on device")


def test_versions_are_numbered_from_one(tmp_path):
    versions = [export(tmp_path) for _ in range(3)]
    assert versions == [tmp_path / "1", tmp_path / "2", tmp_path / "3"]


def test_nothing_but_the_versions_is_left(tmp_path):
    export(tmp_path)
    export(tmp_path)
    assert names_in(tmp_path) == ["1", "2"]


def test_every_version_is_complete(tmp_path):
    inputs = draw_clips(3, 6, 4)
    first = export(tmp_path, make_classifier(seed=1))
    second = export(tmp_path, make_classifier(seed=2))
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


def test_a_failing_export_leaves_nothing(tmp_path, monkeypatch):
    patch_writing(monkeypatch, fail_half_way)
    with pytest.raises(OSError, match="No space left"):
        export(tmp_path)
    assert names_in(tmp_path) == []


def test_a_failing_export_takes_no_number(tmp_path, monkeypatch):
    export(tmp_path)
    with monkeypatch.context() as patch:
        patch_writing(patch, fail_half_way)
        with pytest.raises(OSError, match="No space left"):
            export(tmp_path)
    assert export(tmp_path) == tmp_path / "2"
    assert names_in(tmp_path) == ["1", "2"]


def test_a_version_has_its_name_only_when_it_is_complete(tmp_path, monkeypatch):
    seen = []

    def watch(module, path, **kwargs):
        save(module, path, **kwargs)
        seen.extend(names_in(tmp_path))

    save = patch_writing(monkeypatch, watch)
    export(tmp_path)
    assert len(seen) == 1 and not seen[0].isdecimal()


def test_a_version_is_complete_when_it_is_checked(tmp_path):
    seen = []

    def check(path):
        seen.append(
            (names_in(path), [x.isdecimal() for x in names_in(tmp_path)])
        )

    version = export(tmp_path, check=check)
    assert seen == [(names_in(version), [False])]


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


@pytest.mark.parametrize(
    "description",
    [
        dataclasses.replace(DESCRIPTION, class_names=CLASS_NAMES[:-1]),
        dataclasses.replace(
            DESCRIPTION, modalities={"rgb": Modality(6), "audio": Modality(4)}
        ),
    ],
)
def test_the_description_must_be_the_models(description, tmp_path):
    message = (
        r"(?s)expects modalities of dims .*'rgb': 5.* and 7 classes.*"
        f"Received: .*{description.modalities['rgb'].dim}.* and "
        f"{description.num_classes} class names"
    )
    with pytest.raises(ValueError, match=message):
        export(tmp_path, description=description)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "options", [{"top_k": 0}, {"sample_size": -1}, {"max_frames": 0}]
)
def test_numbers_must_be_in_range(options, tmp_path):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"Received: .*{name}={value}"):
        export(tmp_path, **options)
    assert names_in(tmp_path) == []


def test_the_sequence_format_must_be_one(tmp_path):
    message = r"expects sequence_format among .*'youtube8m'.*Received: .*'clip'"
    with pytest.raises(ValueError, match=message):
        export(tmp_path, sequence_format="clip")
    assert names_in(tmp_path) == []


def test_a_version_without_the_servers_messages_says_so(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    version = export(tmp_path)
    assert "install ac-keras[serving]" in caplog.text
    assert not (version / "assets.extra").exists()
    assert (version / "saved_model.pb").is_file()
