"""The peers that the package is timed against compute what it computes."""

import dataclasses
import pathlib
import sys

import numpy as np
import pytest

import numpy_clusters

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))

from peers import setting as settings  # noqa: E402

SMALL = settings.Setting(
    batch_size=6,
    num_frames=5,
    modalities={"rgb": (7, 4), "audio": (3, 2)},
    num_classes=5,
    dropout=0.0,
    clip_norm=0.3,
    learning_rate=0.01,
)
PEERS = (
    "plain_keras",
    "unit_loop",
    "torch_loop",
    "torch_batched",
    "paddle_loop",
    "paddle_batched",
)


def make_peer(name, setting, seed=0):
    """Makes a peer, with a batch, or skips where it cannot be imported."""
    package, _, variant = name.partition("_")
    if package == "torch":
        pytest.importorskip("torch")
        from peers.torch_clusters import TorchClusters

        peer = TorchClusters(setting, seed, variant)
    elif package == "paddle":
        pytest.importorskip("paddle")
        from peers.paddle_clusters import PaddleClusters

        peer = PaddleClusters(setting, seed, variant)
    else:
        skip_without_tensorflow()
        from peers.plain_keras import PlainKeras
        from peers.unit_loop import UnitLoop

        peer_class = PlainKeras if name == "plain_keras" else UnitLoop
        peer = peer_class(setting, seed)
    peer.load_batch(*settings.draw_batch(setting, 1))
    return peer


def skip_without_tensorflow():
    pytest.importorskip("tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras computes with another backend.")


def draw_weights(seed=2):
    """Draws weights all of which matter."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal(shape, "float32")
        for name, shape in SMALL.weight_shapes().items()
    }


def clip(gradients, clip_norm):
    norm = np.sqrt(sum(np.sum(x**2) for x in gradients.values()))
    assert norm > clip_norm  # Or clipping would not be seen.
    return {name: x * clip_norm / norm for name, x in gradients.items()}


def first_change(name, optimizer, gradient):
    """What a peer's first step at learning rate 1 takes off a weight."""
    if optimizer == "sgd":
        return gradient
    if optimizer == "adam":
        # Keras adds it before the moments are corrected for their start.
        scale = 1 if name.startswith(("torch", "paddle")) else 0.001**0.5
        return gradient / (np.abs(gradient) + settings.EPSILON / scale)
    square = (1 - settings.RMSPROP_DECAY) * gradient**2
    if name.startswith("torch"):
        return gradient / (np.sqrt(square) + settings.EPSILON)
    return gradient / np.sqrt(square + settings.EPSILON)


def reference(weights):
    """Probabilities and gradients of the small batch."""
    return numpy_clusters.classify(*settings.draw_batch(SMALL, 1), weights)


def step_without_dropout(name, optimizer):
    """Weights before a step, after it, and after it by the reference."""
    peer = make_peer(name, dataclasses.replace(SMALL, optimizer=optimizer))
    weights = draw_weights()
    peer.set_weights(weights)
    peer.step()
    gradients = clip(reference(weights)[1], SMALL.clip_norm)
    rate = SMALL.learning_rate
    expected = {
        key: weights[key] - rate * first_change(name, optimizer, gradient)
        for key, gradient in gradients.items()
    }
    return weights, peer.get_weights(), expected


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
    before, after, expected = step_without_dropout(name, optimizer)
    assert after.keys() == before.keys()
    for key, value in after.items():
        assert np.abs(expected[key] - before[key]).max() > 1e-4, key
        np.testing.assert_allclose(value, expected[key], atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", PEERS)
def test_forward_and_gradients_update_nothing(name):
    peer, weights = make_peer(name, SMALL), draw_weights()
    peer.set_weights(weights)
    peer.forward()
    peer.gradients()
    for key, value in peer.get_weights().items():
        np.testing.assert_array_equal(value, weights[key], err_msg=key)


@pytest.mark.parametrize("name", PEERS)
def test_dropout_is_for_training_alone(name):
    setting = dataclasses.replace(SMALL, dropout=0.5, optimizer="sgd")
    peer, weights = make_peer(name, setting), draw_weights()
    peer.set_weights(weights)
    expected, gradients = reference(weights)
    np.testing.assert_allclose(peer.probe(), expected, atol=1e-5)
    peer.step()
    change = (
        weights["classifier/kernel"] - peer.get_weights()["classifier/kernel"]
    )
    # Rows of what was dropped in every clip, or in many, change less.
    undropped = gradients["classifier/kernel"]
    ratios = np.linalg.norm(change, axis=1) / np.linalg.norm(undropped, axis=1)
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
