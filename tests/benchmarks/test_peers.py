"""Peers that the package is timed against: settings, results, bad inputs."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest

from support.benchmarks.peer_cases import PEERS
from support.benchmarks.peer_cases import SMALL
from support.benchmarks.peer_cases import clip
from support.benchmarks.peer_cases import draw_weights
from support.benchmarks.peer_cases import first_change
from support.benchmarks.peer_cases import make_peer
from support.benchmarks.peer_cases import reference
from support.benchmarks.peer_cases import settings
from support.benchmarks.peer_cases import skip_without_tensorflow

ROOT = pathlib.Path(__file__).parents[2]


def test_the_package_has_the_same_definition():
    skip_without_tensorflow()
    import ac_keras

    features, _ = settings.draw_batch(SMALL, 1)
    dims = {name: dim for name, (dim, _) in SMALL.modalities.items()}
    clusters = {
        name: ac_keras.layers.ShiftingCluster(num_units)
        for name, (_, num_units) in SMALL.modalities.items()
    }
    model = ac_keras.cluster_classifier(dims, clusters, SMALL.num_classes)
    weights = draw_weights()
    for name, cluster in clusters.items():
        for part in settings.PARTS:
            getattr(cluster, part).assign(weights[f"{name}/{part}"])
    model.get_layer("logits").kernel.assign(weights["classifier/kernel"])
    model.get_layer("logits").bias.assign(weights["classifier/bias"])
    count = np.full(SMALL.batch_size, SMALL.num_frames, "int32")
    counts = {f"{name}_num_frames": count for name in features}
    probabilities = np.array(model({**features, **counts}))
    expected, _ = reference(weights)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("optimizer", settings.OPTIMIZERS)
@pytest.mark.parametrize("name", PEERS)
def test_a_step_clips_and_updates_as_the_reference_does(name, optimizer):
    peer = make_peer(name, dataclasses.replace(SMALL, optimizer=optimizer))
    weights = draw_weights()
    peer.set_weights(weights)
    peer.step()
    updated = peer.get_weights()
    gradients = clip(reference(weights)[1], SMALL.clip_norm)
    assert updated.keys() == gradients.keys()
    for key, gradient in gradients.items():
        change = first_change(name, optimizer, gradient) * SMALL.learning_rate
        assert np.abs(change).max() > 1e-4, key
        expected = weights[key] - change
        np.testing.assert_allclose(
            updated[key], expected, atol=1e-5, err_msg=key
        )


@pytest.mark.parametrize("name", PEERS)
def test_forward_and_gradients_leave_weights_and_later_gradients(name):
    setting = dataclasses.replace(SMALL, optimizer="sgd", clip_norm=0.0)
    peer, weights = make_peer(name, setting), draw_weights()
    peer.set_weights(weights)
    peer.forward()
    peer.gradients()
    for key, value in peer.get_weights().items():
        np.testing.assert_array_equal(value, weights[key], err_msg=key)
    peer.step()
    updated = peer.get_weights()
    for key, gradient in reference(weights)[1].items():
        expected = weights[key] - setting.learning_rate * gradient
        np.testing.assert_allclose(
            updated[key], expected, atol=1e-6, err_msg=key
        )


@pytest.mark.parametrize("name", PEERS)
def test_probabilities_are_those_of_the_definition_without_dropout(name):
    setting = dataclasses.replace(SMALL, dropout=0.5, optimizer="sgd")
    peer, weights = make_peer(name, setting), draw_weights()
    peer.set_weights(weights)
    expected, gradients = reference(weights)
    assert expected.std() > 0.05
    np.testing.assert_allclose(peer.probe(), expected, atol=1e-5)
    peer.step()
    key = "classifier/kernel"
    change = peer.get_weights()[key] - weights[key]
    # A row changes the less, the more clips its input is dropped in.
    ratios = np.linalg.norm(change, axis=1)
    ratios /= np.linalg.norm(gradients[key], axis=1)
    assert ratios.max() > 1.5 * ratios.min()


@pytest.mark.parametrize("name", PEERS)
def test_a_seed_decides_first_weights_and_dropout(name):
    setting = dataclasses.replace(SMALL, dropout=0.5)
    kernels = []
    for seed in (3, 3, 4):
        peer = make_peer(name, setting, seed)
        peer.step()
        kernels.append(peer.get_weights()["classifier/kernel"])
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0.01


@pytest.mark.parametrize("name", ["flash_mnist", "kinetics", "youtube8m"])
def test_settings_are_those_of_the_flagfiles(name):
    text = (ROOT / f"trainers/flags/{name}.flags").read_text("utf-8")
    flags = dict(re.findall(r"^--(\w+)=(.*)$", text, re.MULTILINE))
    setting = getattr(settings, name.upper())
    units = {k: units for k, (_, units) in setting.modalities.items()}
    listed = ",".join(f"{k}:{x}" for k, x in units.items())
    assert flags["num_units"] in (listed, str(units["rgb"]))
    assert setting.batch_size == int(flags["batch_size"])
    assert setting.num_frames == int(flags.get("train_frames", 25))
    assert setting.dropout == float(flags["dropout"])
    assert setting.optimizer == flags.get("optimizer", "adam")
    assert setting.clip_norm == float(flags.get("clip_norm", 0))
    assert setting.learning_rate == float(flags["learning_rate"])


def test_the_kinetics_model_has_the_parameters_that_its_sizes_give():
    shapes = settings.KINETICS.weight_shapes().values()
    width = 1536 * 64 + 1536 * 32 + 512 * 32
    kernels = 1536 * 64 + 1536 * 32 + 512 * 32
    expected = kernels + 2 * 128 + width * 400 + 400
    assert sum(int(np.prod(shape)) for shape in shapes) == expected


def test_drawn_weights_are_spread_as_those_of_the_layers():
    setting = dataclasses.replace(SMALL, modalities={"rgb": (300, 200)})
    weights = settings.draw_weights(setting, 0)
    assert {x.dtype for x in weights.values()} == {np.dtype("float32")}
    largest = np.abs(weights["rgb/kernel"]).max()
    np.testing.assert_allclose(largest, (3 / 300) ** 0.5, rtol=0.01)
    largest = np.abs(weights["classifier/kernel"]).max()
    np.testing.assert_allclose(largest, (6 / 60005) ** 0.5, rtol=0.01)
    np.testing.assert_allclose(weights["rgb/beta"].std(), 0.5, rtol=0.2)
    assert weights["rgb/alpha"].min() == weights["rgb/alpha"].max() == 1


def test_inputs_that_do_not_fit_are_rejected():
    weights = settings.draw_weights(SMALL, 0)
    weights["rgb/alpha"] = weights["rgb/alpha"][:1]
    with pytest.raises(ValueError, match=r"rgb/alpha.*Received: weights="):
        settings.check_weights(SMALL, weights)
    features, labels = settings.draw_batch(SMALL, 0)
    with pytest.raises(ValueError, match=r"Received: labels="):
        settings.check_batch(SMALL, features, labels[1:])
    del features["audio"]
    with pytest.raises(ValueError, match=r"audio.*Received: features="):
        settings.check_batch(SMALL, features, labels)
    with pytest.raises(ValueError, match=r"Received: optimizer='lion'"):
        dataclasses.replace(SMALL, optimizer="lion")
