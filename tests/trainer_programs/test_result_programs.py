"""evaluate.py, export.py, predict.py and visualize.py on runs' models."""

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
from support.runs.tiny_dataset import SIZES
from support.runs.tiny_dataset import make_clip

pytestmark = pytest.mark.programs

METRICS = {  # By run: those of one label a clip, and of several.
    "finished_run": ("accuracy", "top_5_accuracy", "per_class_accuracy"),
    "multi_label_run": ("hit_at_1", "perr", "gap", "map"),
}
RANKED = ("gap", "map")  # They have no interval.


@pytest.fixture(scope="module")
def results(
    finished_run,
    local_flagfile_run,
    multi_label_run,
    data_dir,
    multi_label_dir,
    tmp_path_factory,
):
    """Output of each program, and the folder that they ran in."""
    cwd = tmp_path_factory.mktemp("results")
    first, second, several = (
        run.output_dir
        for run in (finished_run, local_flagfile_run, multi_label_run)
    )
    model = {"model": first / "model.keras", "data_dir": data_dir}
    others = {"model": several / "model.keras", "data_dir": multi_label_dir}
    visualized = {
        "runs": f"{first},{second}",
        "data_dir": data_dir,
        "output_dir": "plots",
        "num_clips": 2,
    }
    cases = {
        "finished_run": ("evaluate.py", {**model, "batch_size": 8}),
        "multi_label_run": ("evaluate.py", {**others, "batch_size": 7}),
        "exported": (
            "export.py",
            {**model, "output_dir": "served", "top_k": 2},
        ),
        "exported_several": ("export.py", {**others, "output_dir": "several"}),
        "predicted": (
            "predict.py",
            {**model, "split": "validation", "top_k": 3},
        ),
        "predicted_several": (
            "predict.py",
            {**others, "top_k": len(CLASS_NAMES)},
        ),
        "visualized": ("visualize.py", visualized),
    }
    done = run_cases(list(cases.values()), cwd)
    printed = dict(zip(cases, map(output_of, done), strict=True))
    return types.SimpleNamespace(cwd=cwd, **printed)


@pytest.mark.parametrize("run", METRICS)
def test_evaluate_repeats_the_runs_result(run, results, request):
    measured = json.loads(getattr(results, run))
    result = read_json(request.getfixturevalue(run), "result.json")
    assert measured["num_clips"] == SIZES["test"]
    intervals = {
        f"{name}_interval" for name in METRICS[run] if name not in RANKED
    }
    assert set(measured) == {"num_clips", "loss", *METRICS[run], *intervals}
    for name, value in measured.items():
        assert value == pytest.approx(result[f"test_{name}"], rel=1e-5)


def test_predict_names_the_label_and_the_most_probable_classes_of_every_clip(
    results, finished_run, data_dir
):
    clips = numpy_classifier.read_clips(data_dir, "validation")
    path = finished_run.output_dir / "model.keras"
    expected = numpy_classifier.predict(path, clips)
    predictions = list(map(json.loads, results.predicted.splitlines()))
    ids = [clip["id"] for clip in predictions]
    assert ids == [f"validation-{index:03d}" for index in range(23)]
    labels = [clip["labels"] for clip in predictions]
    assert labels == [[CLASS_NAMES[label]] for label in clips.labels]
    assert len({label for (label,) in labels}) == len(CLASS_NAMES)
    right = [clip["classes"][0] == clip["labels"][0] for clip in predictions]
    accuracy = max(row["val_accuracy"] for row in read_epochs(finished_run))
    assert np.mean(right) == pytest.approx(accuracy, abs=1e-6)
    for clip, probabilities in zip(predictions, expected, strict=True):
        best = np.argsort(-probabilities)[:3]
        assert clip["classes"] == [CLASS_NAMES[index] for index in best]
        np.testing.assert_allclose(
            clip["scores"], probabilities[best], atol=1e-4
        )


def test_metrics_of_several_labels_are_those_of_the_predictions(results):
    clips = list(map(json.loads, results.predicted_several.splitlines()))
    assert len(clips) == SIZES["test"]
    scores = np.zeros((len(clips), len(CLASS_NAMES)))
    truth = np.zeros(scores.shape, bool)
    for row, clip in enumerate(clips):
        for name, score in zip(clip["classes"], clip["scores"], strict=True):
            scores[row, CLASS_NAMES.index(name)] = score
        for name in clip["labels"]:
            truth[row, CLASS_NAMES.index(name)] = True
        labels = make_clip("test", row, multi_label=True).labels
        assert np.flatnonzero(truth[row]).tolist() == sorted(labels)
    measured = json.loads(results.multi_label_run)
    hits = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    assert measured["hit_at_1"] == pytest.approx(hits.mean(), abs=1e-6)
    assert hits.mean() > 0.6  # chance is a third
    # All classes of all clips by score: the precision at each hit.
    hits = truth.ravel()[np.argsort(-scores, axis=None, kind="stable")]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    expected = precisions[hits].sum() / truth.sum()
    # Scores have six digits, and few are equal.
    assert measured["gap"] == pytest.approx(expected, abs=1e-3)


def test_the_epoch_is_chosen_by_global_average_precision(multi_label_run):
    epochs = read_epochs(multi_label_run)
    best = max(epochs, key=lambda row: row["val_gap"])
    result = read_json(multi_label_run, "result.json")
    assert result["best_epoch"] == best["epoch"] + 1
    assert result["validation_gap"] == best["val_gap"]


def test_export_writes_a_version_that_serves(results, finished_run):
    version = results.cwd / "served" / "1"
    loaded = tf.saved_model.load(str(version))
    outputs = loaded.signatures["serving_default"].structured_outputs
    assert outputs["classes"].shape.as_list() == [None, 2]
    assert outputs["probabilities"].shape.as_list() == [None, 6]
    assert [x.name for x in version.parent.iterdir() if x.is_dir()] == ["1"]
    accuracy = read_json(finished_run, "result.json")["test_accuracy"]
    assert f"{100 * accuracy:.2f} % on 25 test clips" in results.exported
    assert "served/1 repeats" in results.exported
    assert (results.cwd / "several" / "1" / "saved_model.pb").is_file()
    text = results.exported_several
    assert "on 25 test clips in a process without" in text


def test_visualize_draws_curves_and_the_attention_of_two_clips(
    results, finished_run
):
    names = {path.name for path in (results.cwd / "plots").iterdir()}
    assert names == {
        "accuracy.png",
        "attention_finished.png",
        "attention_local.png",
    }
    for name in names:
        pixels = image.imread(results.cwd / "plots" / name)
        assert np.std(pixels) > 0.05
    two = image.imread(results.cwd / "plots" / "attention_finished.png")
    three = image.imread(finished_run.output_dir / "attention.png")
    assert two.shape[1] == three.shape[1]
    assert 3 * two.shape[0] == pytest.approx(2 * three.shape[0], abs=6)
