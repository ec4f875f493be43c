"""The peers that the package is timed against compute what it computes."""

import dataclasses

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


@pytest.mark.parametrize("name", PEERS)
def test_probabilities_are_those_of_the_definition(name):
    peer, weights = make_peer(name, SMALL), draw_weights()
    peer.set_weights(weights)
    expected, _ = reference(weights)
    assert expected.std() > 0.05
    np.testing.assert_allclose(peer.probe(), expected, atol=1e-5)


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
def test_dropout_is_for_training_alone(name):
    setting = dataclasses.replace(SMALL, dropout=0.5, optimizer="sgd")
    peer, weights = make_peer(name, setting), draw_weights()
    peer.set_weights(weights)
    expected, gradients = reference(weights)
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
    first, same, other = (stepped(name, setting, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.01


def stepped(name, setting, seed):
    peer = make_peer(name, setting, seed)
    peer.step()
    return peer.get_weights()["classifier/kernel"]
