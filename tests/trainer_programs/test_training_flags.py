"""train.py: what its flags change."""

import keras
import numpy as np
import pytest

import ac_keras
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from support.runs.run_folder import read_epochs
from support.runs.run_folder import read_json

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def sampling_model(sampling_run):
    return keras.models.load_model(sampling_run.output_dir / "model.keras")


def test_the_same_seed_gives_the_same_epochs_and_model(
    finished_run, local_flagfile_run
):
    first, second = map(read_epochs, (finished_run, local_flagfile_run))
    for row in (*first, *second):
        for name in ("seconds", "clips_per_second"):
            assert row.pop(name) > 0
    assert first == second and len(first) > 2
    assert len({row["val_loss"] for row in first}) == len(first)
    weights = [
        keras.models.load_model(run.output_dir / "model.keras").get_weights()
        for run in (finished_run, local_flagfile_run)
    ]
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.abs(first).max() > 0.01
    assert read_json(local_flagfile_run, "flags.json")["hidden_units"] == 11


def test_the_clusters_are_as_the_flags_say(sampling_model, finished_run):
    assert set(sampling_model.input) == {
        "rgb",
        "rgb_num_frames",
        "audio",
        "audio_num_frames",
    }
    clusters = sampling_model.get_layer("clusters").clusters
    units = {name: layer.num_units for name, layer in clusters.items()}
    assert units == {"rgb": 4, "audio": 2}
    for layer in sampling_model.get_layer("clusters").clusters.values():
        assert type(layer) is ac_keras.AttentionCluster
        assert (layer.weighting, layer.hidden_units) == ("fc2", 5)
    model = keras.models.load_model(finished_run.output_dir / "model.keras")
    for layer in model.get_layer("clusters").clusters.values():
        assert type(layer) is ac_keras.ShiftingCluster
        assert layer.weighting == "fc1"


def mean_loss(model, batches):
    losses = []
    for features, labels in batches.as_numpy_iterator():
        probabilities = model.predict_on_batch(features)
        losses.extend(-np.log(probabilities[np.arange(len(labels)), labels]))
    return np.mean(losses)


def test_every_epoch_trains_on_so_many_frames_drawn_anew(
    sampling_run, sampling_model, data_dir
):
    def expected_loss(epoch, sample_size):
        batches = training_batches(
            Manifest.load(data_dir),
            batch_size=8,
            sample_size=sample_size,
            modalities=["rgb", "audio"],
            first_epoch=epoch,
        )
        return mean_loss(sampling_model, batches.take(96 // 8))

    measured = np.array([row["loss"] for row in read_epochs(sampling_run)])
    expected = [expected_loss(epoch, sample_size=2) for epoch in range(2)]
    np.testing.assert_allclose(measured, expected, rtol=1e-5)
    of_all_frames = expected_loss(0, sample_size=0)  # the same every epoch
    assert np.abs(measured - of_all_frames).max() > 1e-3


def test_it_is_measured_on_so_many_frames(
    sampling_run, sampling_model, data_dir
):
    losses = {
        sample_size: mean_loss(
            sampling_model,
            evaluation_batches(
                Manifest.load(data_dir),
                "test",
                batch_size=25,
                sample_size=sample_size,
                modalities=["rgb", "audio"],
            ),
        )
        for sample_size in (0, 3)
    }
    measured = read_json(sampling_run, "result.json")["test_loss"]
    assert measured == pytest.approx(losses[3], rel=1e-4)
    assert measured != pytest.approx(losses[0], rel=1e-3)


def test_patience_stops_after_an_epoch_that_is_no_better(sampling_run):
    result = read_json(sampling_run, "result.json")
    assert (result["best_epoch"], result["epochs"]) == (1, 2)
    assert len(read_epochs(sampling_run)) == 2
