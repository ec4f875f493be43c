"""The shipped flagfiles make the paper's protocol, section 5.4."""

import json

import numpy as np
import pytest

from support.programs import TRAINERS
from support.programs import output_of
from support.programs import run_cases
from support.runs.tiny_dataset import write_dataset
from support.training import shipped_settings

pytestmark = pytest.mark.programs

PAPER = {  # Units; frames in training and in evaluation; splits.
    "kinetics.flags": ({"rgb": 64, "flow": 32, "audio": 32}, 20, 25, 1),
    "ucf101.flags": ({"rgb": 64, "flow": 32}, 15, 20, 3),
    "hmdb51.flags": ({"rgb": 64, "flow": 32}, 15, 20, 3),
}
SMALL = {"epochs": 1, "batch_size": 8, "num_units": "rgb:2"}
each_file = pytest.mark.parametrize("name", PAPER)


@pytest.fixture(scope="module")
def settings(data_dir, tmp_path_factory):
    """The settings that result from each flagfile."""
    folder = tmp_path_factory.mktemp("settings")
    cases = [(shipped_settings.__file__, {}, TRAINERS, x, data_dir, folder) for x in PAPER]
    done = run_cases(cases, folder)
    return {
        name: json.loads(output_of(result).splitlines()[-1])
        for name, result in zip(PAPER, done, strict=True)
    }


@each_file
def test_clusters_and_updates_are_as_the_paper_has_them(name, settings):
    made = settings[name]["made"]
    assert made["units"] == PAPER[name][0]
    assert made["kinds"] == ["ShiftingCluster"]
    assert made["weightings"] == ["fc1"]
    assert made["optimizer"] == "RMSprop"
    assert made["learning_rate"] == pytest.approx(1e-3, rel=1e-6)
    assert made["clip_norm"] == 5
    assert made["dropout"] == 0.9
    assert settings[name]["flags"]["schedule"] == "constant"
    units, train_frames, eval_frames, _ = PAPER[name]
    for modality in units:
        assert made["training"][modality][:2] == [48, train_frames]
        assert made["evaluation"][modality][:2] == [7, eval_frames]


@each_file
def test_a_clip_weighs_one_over_its_class(name, settings, data_dir):
    manifest = json.loads((data_dir / "manifest.json").read_text())
    counts = np.array(manifest["splits"]["train"]["class_counts"], "float64")
    expected = 1 / counts
    expected *= counts.sum() / (expected * counts).sum()  # a clip's mean is 1
    np.testing.assert_allclose(
        settings[name]["made"]["class_weights"], expected, rtol=1e-6
    )


def test_the_training_mean_stands_in_for_what_clips_lack(settings, data_dir):
    manifest = json.loads((data_dir / "manifest.json").read_text())
    means = manifest["splits"]["train"]["mean_features"]
    made = settings["kinetics.flags"]["made"]
    assert list(made["means"]) == ["audio"]  # of this dataset
    np.testing.assert_allclose(
        made["means"]["audio"], means["audio"], rtol=1e-6
    )
    assert all(settings[name]["flags"]["mean_features"] for name in PAPER)


@each_file
def test_the_epoch_is_chosen_on_held_out_clips_of_every_official_split(
    name, settings
):
    flags = settings[name]["flags"]
    assert settings[name]["made"]["best"] == "val_accuracy"
    assert flags["validation_split"] == "validation"
    assert flags["test_split"] == "test"
    dataset, count = name.removesuffix(".flags"), PAPER[name][3]
    folders = [f"records/{dataset}"]
    if count > 1:
        folders = [f"records/{dataset}/split{i + 1}" for i in range(count)]
    assert settings[name]["flags"]["data_dir"] == folders


@pytest.fixture(scope="module")
def three_splits(tmp_path_factory):
    """A run of ucf101.flags on three small datasets, one epoch each."""
    folder = tmp_path_factory.mktemp("three")
    names = [f"split{i}" for i in (1, 2, 3)]
    for name in names:
        write_dataset(folder / name)
    flags = {
        "flagfile": "ucf101.flags",
        **SMALL,
        "data_dir": ",".join(str(folder / name) for name in names),
        "output_dir": folder / "run",
        "seed": 3,
    }
    # Of other clips, so that the results differ.
    for index, name in enumerate(names):
        turn_labels(folder / name, index)
    (result,) = run_cases([("train.py", flags)], cwd=folder)
    assert result.returncode == 0, result.stderr[-3000:]
    return folder / "run", names, result.stdout


def turn_labels(folder, by):
    """Names the test split's files in another order."""
    path = folder / "manifest.json"
    values = json.loads(path.read_text())
    shards = values["splits"]["test"]["shards"]
    values["splits"]["test"]["shards"] = shards[: 1 + (by != 1)]
    if by == 2:
        values["splits"]["test"]["shards"] = shards[1:]
    path.write_text(json.dumps(values))


def read_result(folder):
    return json.loads((folder / "result.json").read_text())


def test_every_split_has_a_run_and_their_mean_and_deviation_are_written(
    three_splits,
):
    folder, names, stdout = three_splits
    results = [read_result(folder / name) for name in names]
    summary = read_result(folder)
    assert summary["datasets"] == names
    for figure in ("test_accuracy", "test_loss", "test_top_5_accuracy"):
        values = [result[figure] for result in results]
        assert summary["mean"][figure] == pytest.approx(np.mean(values))
        deviation = summary["standard_deviation"][figure]
        assert deviation == pytest.approx(np.std(values))
    assert len({result["test_loss"] for result in results}) > 1
    assert json.dumps(summary, indent=1) in stdout
    folder, names, _ = three_splits
    for name in names:
        assert (folder / name / "model.keras").is_file()
        flags = json.loads((folder / name / "flags.json").read_text())
        assert flags["optimizer"] == "rmsprop" and flags["dropout"] == 0.9
