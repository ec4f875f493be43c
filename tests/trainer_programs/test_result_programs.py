"""evaluate.py, export.py, predict.py and visualize.py on a run's model."""

import json
import types

import numpy as np
import pytest
import tensorflow as tf
from matplotlib import image

from support.programs import output_of
from support.programs import run_cases
from support.runs import numpy_classifier
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json
from support.runs.tiny_dataset import CLASS_NAMES

pytestmark = pytest.mark.programs

FIGURES = ("accuracy", "loss", "top_5_accuracy", "per_class_accuracy")


@pytest.fixture(scope="module")
def results(finished_run, local_flagfile_run, data_dir, tmp_path_factory):
    """Output of each program, and the folder that they ran in."""
    cwd = tmp_path_factory.mktemp("results")
    first, second = finished_run.output_dir, local_flagfile_run.output_dir
    model = {"model": first / "model.keras", "data_dir": data_dir}
    flags = {
        "evaluate": {**model, "batch_size": 8},
        "export": {**model, "output_dir": "served", "top_k": 2},
        "predict": {**model, "split": "validation", "top_k": 3},
        "visualize": {
            "runs": f"{first},{second}",
            "data_dir": data_dir,
            "output_dir": "pictures",
            "num_clips": 2,
        },
    }
    done = run_cases([(f"{x}.py", flags[x]) for x in flags], cwd)
    printed = dict(zip(flags, map(output_of, done), strict=True))
    return types.SimpleNamespace(cwd=cwd, **printed)


@pytest.fixture(scope="module")
def predictions(results):
    return [json.loads(line) for line in results.predict.splitlines()]


@pytest.fixture(scope="module")
def expected(finished_run, data_dir):
    """Probabilities and labels of the validation split, by NumPy."""
    clips = numpy_classifier.read_clips(data_dir, "validation")
    path = finished_run.output_dir / "model.keras"
    return numpy_classifier.predict(path, clips), clips.labels


def test_evaluate_repeats_the_runs_result(results, finished_run):
    measured = json.loads(results.evaluate)
    result = read_json(finished_run, "result.json")
    assert measured["num_clips"] == 25
    assert set(measured) == {"num_clips", *FIGURES}
    for name in FIGURES:
        assert measured[name] == pytest.approx(result[f"test_{name}"], rel=1e-5)


def test_predict_prints_every_clip_with_its_label(predictions, expected):
    ids = [clip["id"] for clip in predictions]
    assert ids == [f"validation-{index:03d}" for index in range(23)]
    labels = [clip["labels"] for clip in predictions]
    assert labels == [[CLASS_NAMES[label]] for label in expected[1]]
    assert len({label for (label,) in labels}) == len(CLASS_NAMES)


def test_predict_names_the_most_probable_classes(
    predictions, expected, finished_run
):
    right = [clip["classes"][0] == clip["labels"][0] for clip in predictions]
    accuracy = max(row["val_accuracy"] for row in read_epochs(finished_run))
    assert np.mean(right) == pytest.approx(accuracy, abs=1e-6)
    for clip, probabilities in zip(predictions, expected[0], strict=True):
        best = np.argsort(-probabilities)[:3]
        assert clip["classes"] == [CLASS_NAMES[index] for index in best]
        np.testing.assert_allclose(
            clip["scores"], probabilities[best], atol=1e-4
        )


def test_export_writes_a_version_that_serves(results, finished_run):
    version = results.cwd / "served" / "1"
    loaded = tf.saved_model.load(str(version))
    outputs = loaded.signatures["serving_default"].structured_outputs
    assert outputs["classes"].shape.as_list() == [None, 2]
    assert outputs["probabilities"].shape.as_list() == [None, 6]
    assert [x.name for x in version.parent.iterdir() if x.is_dir()] == ["1"]
    accuracy = read_json(finished_run, "result.json")["test_accuracy"]
    assert f"{100 * accuracy:.2f} % on 25 test clips" in results.export
    assert "served/1 repeats" in results.export


def test_visualize_draws_curves_and_the_attention_of_two_clips(
    results, finished_run
):
    names = {path.name for path in (results.cwd / "pictures").iterdir()}
    assert names == {
        "accuracy.png",
        "attention_finished.png",
        "attention_local.png",
    }
    for name in names:
        picture = image.imread(results.cwd / "pictures" / name)
        assert np.std(picture) > 0.05
    two = image.imread(results.cwd / "pictures" / "attention_finished.png")
    three = image.imread(finished_run.output_dir / "attention.png")
    assert two.shape[1] == three.shape[1]
    assert 3 * two.shape[0] == pytest.approx(2 * three.shape[0], abs=6)
