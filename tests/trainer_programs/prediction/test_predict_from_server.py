"""predict.py --server: a model server names the clips of a split."""

import json
import re

import numpy as np
import pytest

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.pipeline import Manifest
from support.programs import run_cases
from support.runs.spoilt_datasets import copy_of
from support.runs.spoilt_datasets import edit
from support.runs.spoilt_datasets import flip
from support.runs.tiny_dataset import MODALITIES
from support.serving.model_server import MODEL_NAME
from support.serving.model_server import serve

pytestmark = pytest.mark.programs

THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
NOWHERE = "127.0.0.1:1"
WRONG = {  # flags, and what is said of them
    "neither model nor server": ({}, "either --model or --server"),
    "both": (
        {"model": "model.keras", "server": NOWHERE, "model_name": "a"},
        f"Received: model=model.keras, server={NOWHERE}",
    ),
    "no name": ({"server": NOWHERE}, "Received: model_name=None"),
    "no server there": (
        {"server": NOWHERE, "model_name": "a", "timeout": 0.2},
        f"model 'a' at {NOWHERE} to list its signatures. Received: UNAVAILABLE",
    ),
    "an unknown model": ({"server": "", "model_name": "a"}, "NOT_FOUND"),
    "a model of other classes": (
        {"server": "", "model_name": MODEL_NAME, "data_dir": "renamed"},
        "Choose the model that was trained on this dataset",
    ),
    "a broken record": (
        {"server": "", "model_name": MODEL_NAME, "data_dir": "broken"},
        "broken/test-00000-of-00002.tfrecord, byte",
    ),
}


def save_model(folder, data_dir):
    """A random model, its file and its SavedModel."""
    description = Manifest.load(data_dir).description
    dims = {name: modality.dim for name, modality in MODALITIES.items()}
    model = cluster_classifier(
        dims, dict.fromkeys(dims, 3), description.num_classes
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    model.save(folder / "model.keras")
    serving.export_saved_model(model, folder / "served", description)


def rename_classes(folder):
    edit(
        folder,
        lambda values: values.update(
            class_names=[f"no {name}" for name in values["class_names"]]
        ),
    )


@pytest.fixture(scope="module")
def results(data_dir, tmp_path_factory):
    """By case, the finished process."""
    folder = tmp_path_factory.mktemp("predict_from_server")
    save_model(folder, data_dir)
    rename_classes(copy_of(data_dir, folder / "renamed"))
    flip(copy_of(data_dir, folder / "broken"), "test", 4)
    base = {"data_dir": data_dir, "batch_size": 4, "eval_frames": 3}
    with serve(folder / "served") as server:
        address = server.address("grpc")
        named = {"server": "", "model_name": MODEL_NAME}
        rest = {"server": server.address("rest"), "protocol": "rest"}
        cases = {
            "local": {"model": "model.keras"},
            "grpc": {**named, "protocol": "grpc"},
            "rest": {**named, **rest},
            "three": {**named, "num_clips": 3, "top_k": 2},
            **{name: flags for name, (flags, _) in WRONG.items()},
        }
        commands = []
        for flags in cases.values():
            here = {"server": address} if flags.get("server") == "" else {}
            commands.append(("predict.py", {**base, **flags, **here}))
        done = run_cases(commands, cwd=folder)
    return dict(zip(cases, done, strict=True))


def lines_of(result):
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_says_what_its_model_says(protocol, results):
    expected, received = lines_of(results["local"]), lines_of(results[protocol])
    assert len(expected) == 25
    for ours, theirs in zip(expected, received, strict=True):
        assert theirs["classes"] == ours["classes"]
        assert theirs["labels"] == ours["labels"] and theirs["id"] == ours["id"]
        np.testing.assert_allclose(theirs["scores"], ours["scores"], atol=1e-5)
    assert len({line["classes"][0] for line in received}) > 1


def test_so_many_clips_and_classes_are_named(results):
    received = lines_of(results["three"])
    assert [len(line["classes"]) for line in received] == [2, 2, 2]


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case, results):
    result = results[case]
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    (message,) = (x for x in result.stderr.splitlines() if "Received:" in x)
    assert WRONG[case][1] in message
    assert re.search(THREE_PARTS, message)
