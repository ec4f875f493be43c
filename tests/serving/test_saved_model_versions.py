"""Where export_saved_model puts what it writes."""

import keras
import pytest
import tensorflow as tf

from ac_keras import serving
from served_classifier import CLASS_NAMES
from served_classifier import draw_clips
from served_classifier import make_classifier


def export(folder, model=None, class_names=CLASS_NAMES, **kwargs):
    model = model or make_classifier()
    return serving.export_saved_model(model, folder, class_names, **kwargs)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def scores_of(version, inputs):
    serve = tf.saved_model.load(str(version)).signatures["serving_default"]
    tensors = {name: tf.constant(x) for name, x in inputs.items()}
    return serve(**tensors)["scores"].numpy()


def patch_writing(monkeypatch, write_out):
    # The public class makes an object of the backend's own class.
    archive_class = type(keras.export.ExportArchive())
    before = archive_class.write_out
    monkeypatch.setattr(archive_class, "write_out", write_out)
    return before


def fail_half_way(archive, path, **kwargs):
    """A `write_out` that is stopped by a full disk."""
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

    def watch(archive, path, **kwargs):
        write_out(archive, path, **kwargs)
        seen.extend(names_in(tmp_path))

    write_out = patch_writing(monkeypatch, watch)
    export(tmp_path)
    assert len(seen) == 1 and not seen[0].isdecimal()


@pytest.mark.parametrize("names", [CLASS_NAMES[:-1], (*CLASS_NAMES, "yak")])
def test_there_must_be_one_name_a_class(names, tmp_path):
    message = rf"expects one name .*7 classes.*Received: {len(names)} names"
    with pytest.raises(ValueError, match=message):
        export(tmp_path, class_names=names)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("top_k", [0, -1])
def test_top_k_must_be_one_or_more(top_k, tmp_path):
    message = f"expects top_k of 1 or more. Received: {top_k}"
    with pytest.raises(ValueError, match=message):
        export(tmp_path, top_k=top_k)
    assert names_in(tmp_path) == []
