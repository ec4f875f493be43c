"""The programs on a run of several labels a clip."""

import json
import types

import numpy as np
import pytest

from support.programs import output_of
from support.programs import run_cases
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json
from support.runs.tiny_dataset import CLASS_NAMES
from support.runs.tiny_dataset import SIZES
from support.runs.tiny_dataset import make_clip

pytestmark = pytest.mark.programs

FIGURES = ("loss", "hit_at_1", "perr", "gap", "map")


@pytest.fixture(scope="module")
def results(multi_label_run, multi_label_dir, tmp_path_factory):
    """Output of each program, and the folder that they ran in."""
    cwd = tmp_path_factory.mktemp("several")
    folder = multi_label_run.output_dir
    model = {"model": folder / "model.keras", "data_dir": multi_label_dir}
    cases = {
        "evaluate": {**model, "batch_size": 7},
        "predict": {**model, "top_k": len(CLASS_NAMES)},
        "export": {**model, "output_dir": cwd / "served"},
    }
    done = run_cases(
        [(f"{name}.py", flags) for name, flags in cases.items()], cwd=cwd
    )
    printed = dict(zip(cases, map(output_of, done), strict=True))
    return types.SimpleNamespace(cwd=cwd, **printed)


@pytest.fixture(scope="module")
def predicted(results):
    """Scores `(num_clips, num_classes)` that predict.py printed, and truth."""
    clips = [json.loads(line) for line in results.predict.splitlines()]
    scores = np.zeros((len(clips), len(CLASS_NAMES)))
    truth = np.zeros(scores.shape, bool)
    for row, clip in enumerate(clips):
        for name, score in zip(clip["classes"], clip["scores"], strict=True):
            scores[row, CLASS_NAMES.index(name)] = score
        for name in clip["labels"]:
            truth[row, CLASS_NAMES.index(name)] = True
    return scores, truth


def test_evaluate_gives_the_figures_of_the_run(results, multi_label_run):
    measured = json.loads(results.evaluate)
    result = read_json(multi_label_run, "result.json")
    assert set(measured) == {"num_clips", *FIGURES}
    for name in FIGURES:
        assert measured[name] == pytest.approx(result[f"test_{name}"], rel=1e-5)


def test_predict_names_every_label(predicted):
    _, truth = predicted
    for index, row in enumerate(truth):
        labels = make_clip("test", index, multi_label=True).labels
        assert np.flatnonzero(row).tolist() == sorted(labels)
    assert len(truth) == SIZES["test"]


def test_hits_and_precision_are_those_of_the_predictions(results, predicted):
    scores, truth = predicted
    hits = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    assert json.loads(results.evaluate)["hit_at_1"] == pytest.approx(
        hits.mean(), abs=1e-6
    )
    assert hits.mean() > 0.6  # chance is a third
    # All classes of all clips by score: the precision at each hit.
    scores, truth = (x.ravel() for x in predicted)
    hits = truth[np.argsort(-scores, kind="stable")]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    expected = precisions[hits].sum() / truth.sum()
    gap = json.loads(results.evaluate)["gap"]
    assert gap == pytest.approx(expected, abs=1e-3)  # six digits, few ties


def test_the_epoch_is_chosen_by_global_average_precision(multi_label_run):
    epochs = read_epochs(multi_label_run)
    best = max(epochs, key=lambda row: row["val_gap"])
    result = read_json(multi_label_run, "result.json")
    assert result["best_epoch"] == best["epoch"] + 1
    assert result["validation_gap"] == best["val_gap"]


def test_export_writes_a_version_that_repeats_the_model(results):
    assert (results.cwd / "served" / "1" / "saved_model.pb").is_file()
    assert "on 25 test clips in a process without" in results.export
