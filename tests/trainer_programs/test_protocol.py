"""The shipped flagfiles follow the paper's protocol, section 5.4."""

import json

import numpy as np
import pytest

from support.programs import TRAINERS
from support.programs import output_of
from support.programs import run_cases
from support.runs import spoilt_datasets
from support.training import shipped_settings

pytestmark = pytest.mark.programs

PAPER = {  # Units; frames in training and in evaluation; splits.
    "kinetics.flags": ({"rgb": 64, "flow": 32, "audio": 32}, 20, 25, 1),
    "ucf101.flags": ({"rgb": 64, "flow": 32}, 15, 20, 3),
    "hmdb51.flags": ({"rgb": 64, "flow": 32}, 15, 20, 3),
}
SMALL = {"epochs": 1, "batch_size": 8, "num_units": "rgb:2"}


@pytest.fixture(scope="module")
def settings(data_dir, tmp_path_factory):
    """The settings that result from each flagfile."""
    folder, program = tmp_path_factory.mktemp("settings"), shipped_settings
    cases = [
        (program.__file__, {}, TRAINERS, name, data_dir, folder)
        for name in PAPER
    ]
    done = run_cases(cases, folder)
    return {
        name: json.loads(output_of(result).splitlines()[-1])
        for name, result in zip(PAPER, done, strict=True)
    }


@pytest.fixture(scope="module")
def train_split(data_dir):
    manifest = spoilt_datasets.read_values(data_dir / "manifest.json")
    return manifest["splits"]["train"]


@pytest.mark.parametrize("name", PAPER)
def test_model_updates_and_splits_are_those_of_the_paper(
    name, settings, train_split
):
    flags, made = settings[name]["flags"], settings[name]["made"]
    units, train_frames, eval_frames, count = PAPER[name]
    expected = {
        "units": units,
        "kinds": ["ShiftingCluster"],
        "weightings": ["fc1"],
        "optimizer": "RMSprop",
        "clip_norm": 5,
        "dropout": 0.9,
        "best": "val_accuracy",
    }
    assert {key: made[key] for key in expected} == expected
    assert made["learning_rate"] == pytest.approx(1e-3, rel=1e-6)
    for modality in units:
        assert made["training"][modality][:2] == [48, train_frames]
        assert made["evaluation"][modality][:2] == [7, eval_frames]
    # A clip weighs one over its class.
    counts = np.array(train_split["class_counts"], "float64")
    weights = 1 / counts
    weights *= counts.sum() / (weights * counts).sum()  # a clip's mean is 1
    np.testing.assert_allclose(made["class_weights"], weights, rtol=1e-6)
    folders = [f"records/{name.removesuffix('.flags')}"]
    if count > 1:
        folders = [f"{folders[0]}/split{i + 1}" for i in range(count)]
    expected = {
        "schedule": "constant",
        "mean_features": True,
        "validation_split": "validation",
        "test_split": "test",
        "data_dir": folders,
    }
    assert {key: flags[key] for key in expected} == expected


def test_the_training_mean_stands_in_for_what_clips_lack(settings, train_split):
    made = settings["kinetics.flags"]["made"]
    assert list(made["means"]) == ["audio"]  # of this dataset
    expected = train_split["mean_features"]["audio"]
    np.testing.assert_allclose(made["raw_means"]["audio"], expected, rtol=1e-6)
    # The mean of standardized frames.
    np.testing.assert_array_equal(made["means"]["audio"], 0)


def test_every_split_has_a_run_and_their_mean_and_deviation_are_written(
    data_dir, tmp_path
):
    names = ["split1", "split2", "split3"]
    # Other test clips in each, so that the results differ.
    parts = (slice(2), slice(1), slice(1, 2))
    for name, kept in zip(names, parts, strict=True):
        copy = spoilt_datasets.copy_of(data_dir, tmp_path / name)
        (copy / "previews.npz").unlink()  # which are of the first clips
        spoilt_datasets.edit(
            copy,
            lambda values, kept=kept: values["splits"]["test"].update(
                shards=values["splits"]["test"]["shards"][kept]
            ),
        )
    flags = {
        "flagfile": "ucf101.flags",
        **SMALL,
        "data_dir": ",".join(names),
        "output_dir": "run",
        "seed": 3,
    }
    (process,) = run_cases([("train.py", flags)], cwd=tmp_path)
    printed, results = output_of(process), []
    for name in names:
        folder = tmp_path / "run" / name
        results.append(spoilt_datasets.read_values(folder / "result.json"))
        assert (folder / "model.keras").is_file()
        kept = spoilt_datasets.read_values(folder / "flags.json")
        assert kept["optimizer"] == "rmsprop" and kept["dropout"] == 0.9
    summary = spoilt_datasets.read_values(tmp_path / "run" / "result.json")
    assert summary["datasets"] == names
    for metric in ("test_accuracy", "test_loss", "test_top_5_accuracy"):
        values = [result[metric] for result in results]
        assert summary["mean"][metric] == pytest.approx(np.mean(values))
        deviation = summary["standard_deviation"][metric]
        assert deviation == pytest.approx(np.std(values))
    assert len({result["test_loss"] for result in results}) > 1
    assert json.dumps(summary, indent=1) in printed
