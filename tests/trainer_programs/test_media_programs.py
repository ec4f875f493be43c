"""From media files to a trained classifier, by the programs alone."""

import csv
import hashlib
import json

import keras
import numpy as np
import pytest

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from support.programs import DATA
from support.programs import as_flags
from support.programs import output_of
from support.programs import run_program

pytestmark = pytest.mark.programs

pytest.importorskip("av")
pytest.importorskip("cv2")

MODALITIES = ("rgb", "flow", "audio")
SIZES = {"num_train": 12, "num_validation": 4, "num_test": 4}
INPUTS = {
    "modalities": "rgb,flow,audio",
    **{f"{name}_backbone": "none" for name in MODALITIES},
    "crop": 52,
    "resize": 52,
    "num_frames": 7,
    "stack_length": 2,
    "flow_method": "dis",
    "patch_step": 48,
    "clips_per_shard": 6,
    "workers": 2,
}


EXTRACT = DATA / "videos/extract_features.py"


def run(cwd, program, **flags):
    """Runs a program and returns what it printed."""
    return output_of(run_program(program, *as_flags(flags), cwd=cwd))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def videos(folder):
    """Clips of all three parts; one of them is then damaged."""
    flags = {**SIZES, "side": 52, "silent": 0.3, "workers": 2}
    run(folder, DATA / "digits_av/prepare.py", output_dir="videos", **flags)
    paths = sorted((folder / "videos").rglob("*.mp4"))
    assert len(paths) == sum(SIZES.values())
    broken = next(x for x in paths if x.name == "train-000003.mp4")
    broken.write_bytes(b"")
    return folder / "videos"


@pytest.fixture(scope="module")
def inputs(folder, videos):
    """The folder of the backbones' inputs, and the output."""
    flags = {"videos_dir": videos, "output_dir": "inputs", **INPUTS}
    printed = run(folder, EXTRACT, **flags)
    return folder / "inputs", printed


@pytest.fixture(scope="module")
def backbones(folder, inputs):
    """A feature extractor of each modality, by its file."""
    files = {}
    for name in MODALITIES:
        begin = {"backbone": "small"}
        if name == "flow":
            begin = {"inflate_from": files["rgb"]}
        run(
            folder,
            "finetune_backbone.py",
            **begin,
            data_dir="inputs",
            modality=name,
            output_dir=name,
            epochs=1,
            batch_size=4,
        )
        files[name] = folder / name / "backbone.keras"
    return files


def records_in(directory):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.glob("*.tfrecord"))
    }


def test_inputs_have_the_shapes_of_the_flags_and_the_folders_classes(inputs):
    manifest = Manifest.load(inputs[0])
    dims = {n: m.dim for n, m in manifest.description.modalities.items()}
    assert dims == {"rgb": 52 * 52 * 3, "flow": 52 * 52 * 4, "audio": 6144}
    longest = manifest.split("train").max_num_frames
    # 248 steps of audio, a patch of 96 each 48.
    assert longest == {"rgb": 7, "flow": 7, "audio": 4}
    absent = [split.num_absent for split in manifest.splits.values()]
    assert sum(x["audio"] for x in absent) > 0  # silent clips
    assert all(x["rgb"] == x["flow"] == 0 for x in absent)
    names = manifest.description.class_names
    for split, size in SIZES.items():
        split = split.removeprefix("num_")
        lost = split == "train"  # the empty file
        assert manifest.split(split).num_clips == size - lost
        batches = evaluation_batches(
            manifest, split, batch_size=1, with_ids=True
        )
        for _, labels, ids in batches:
            clip = ids.numpy()[0].decode()
            assert clip.startswith(f"{split}/{names[labels[0]]}/")


def test_a_broken_file_is_reported_and_left_out(inputs):
    directory, printed = inputs
    assert "left out: 1, used in part: 0; see" in printed
    with open(directory / "problems.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["clip"].endswith("train-000003")
    assert "0 bytes" in row["message"]


def test_backbones_are_networks_of_the_inputs_with_finite_features(backbones):
    shapes = {"rgb": (52, 52, 3), "flow": (52, 52, 4), "audio": (96, 64, 1)}
    for name, path in backbones.items():
        model = keras.models.load_model(path)
        assert model.input_shape == (None, *shapes[name])
        noise = np.random.default_rng(0).uniform(0, 9, (2, *shapes[name]))
        features = keras.ops.convert_to_numpy(model(noise))
        assert features.shape == (2, 128)
        assert np.isfinite(features).all() and np.ptp(features) > 0


def test_finetuning_measures_the_test_split(folder, backbones):
    result = json.loads((folder / "rgb" / "result.json").read_text())
    assert 0 <= result["test_accuracy"] <= 1
    assert result["test_loss"] > 0 and result["epochs"] == 1


def test_kept_inputs_give_the_records_of_their_files_and_can_be_learned_from(
    folder, videos, backbones
):
    chosen = {f"{name}_backbone": x for name, x in backbones.items()}
    of_files = {**INPUTS, **chosen, "videos_dir": videos}
    run(folder, EXTRACT, **of_files, output_dir="features")
    expected = records_in(folder / "features")
    of_inputs = {
        **chosen,
        "inputs_dir": "inputs",
        "output_dir": "features_of_inputs",
        "modalities": "rgb,flow,audio",
        "workers": 1,
    }
    for _ in range(2):  # The second time changes nothing.
        run(folder, EXTRACT, **of_inputs)
        found = records_in(folder / "features_of_inputs")
        assert len(found) == 4 and found == expected
    flags = {"num_units": 2, "epochs": 1, "batch_size": 4}
    flags |= {"data_dir": "features", "output_dir": "run"}
    run(folder, "train.py", **flags, mean_features=True)
    assert (folder / "run" / "model.keras").is_file()


def test_a_modality_without_a_backbone_is_refused(folder, videos):
    flags = {"videos_dir": videos, "output_dir": "refused"}
    values = as_flags({**flags, "modalities": "audio"})
    result = run_program(EXTRACT, *values, cwd=folder)
    assert result.returncode == 1
    assert "Expected --audio_backbone. Received: none." in result.stderr
    assert not (folder / "refused").exists()
