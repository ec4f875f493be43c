"""The classifier of Figure 2."""

import keras
import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras.layers import MultimodalCluster
from support.models.small_classifier import CLUSTERS
from support.models.small_classifier import COUNTS
from support.models.small_classifier import DIMS
from support.models.small_classifier import LENGTHS
from support.models.small_classifier import NUM_CLASSES
from support.models.small_classifier import draw_inputs
from support.models.small_classifier import make_classifier
from support.models.small_classifier import mask_of
from support.models.small_classifier import predict
from support.models.small_classifier import save_and_load


def test_gives_probabilities_of_every_class():
    probabilities = predict(make_classifier(), draw_inputs())
    assert probabilities.shape == (4, NUM_CLASSES)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(1), np.ones(4), atol=1e-6)
    assert np.ptp(probabilities, axis=0).max() > 0.05


def test_is_the_dense_softmax_of_what_the_clusters_pool():
    model, inputs = make_classifier(), draw_inputs()
    pooled = model.get_layer("clusters")(
        {name: inputs[name] for name in DIMS},
        mask={name: mask_of(name) for name in DIMS},
    )
    kernel, bias = model.get_layer("logits").get_weights()
    exponentials = np.exp(np.asarray(pooled) @ kernel + bias)
    expected = exponentials / exponentials.sum(1, keepdims=True)
    np.testing.assert_allclose(predict(model, inputs), expected, atol=1e-5)


def test_has_two_inputs_a_modality():
    inputs = make_classifier().input
    assert {name: x.shape for name, x in inputs.items()} == {
        "rgb": (None, None, 5),
        "rgb_num_frames": (None,),
        "audio": (None, None, 4),
        "audio_num_frames": (None,),
    }
    assert inputs["rgb_num_frames"].dtype == "int32"


@pytest.mark.parametrize("padding", [1.0, np.nan, np.inf])
def test_frames_past_the_count_do_not_matter(padding):
    model = make_classifier()
    expected = predict(model, draw_inputs())
    probabilities = predict(model, draw_inputs(padding))
    np.testing.assert_array_equal(probabilities, expected)
    assert np.ptp(expected, axis=0).max() > 0.05


@pytest.mark.parametrize("modality", CLUSTERS)
def test_the_count_of_every_modality_matters(modality):
    model, inputs = make_classifier(), draw_inputs(padding=3.0)
    expected = predict(model, inputs)
    inputs[f"{modality}_num_frames"] = np.full(4, LENGTHS[modality])
    change = np.abs(predict(model, inputs) - expected).max(axis=1)
    padded = np.array(COUNTS[modality]) < LENGTHS[modality]
    assert (change[padded] > 1e-4).all() and (change[~padded] == 0).all()


def test_longer_padding_changes_nothing():
    model, inputs = make_classifier(), draw_inputs()
    expected = predict(model, inputs)
    inputs["rgb"] = np.pad(inputs["rgb"], ((0, 0), (0, 9), (0, 0)))
    np.testing.assert_allclose(predict(model, inputs), expected, atol=1e-6)


def test_permuting_the_counted_frames_changes_nothing():
    model, inputs = make_classifier(), draw_inputs()
    expected = predict(model, inputs)
    for clip, count in zip(inputs["rgb"], COUNTS["rgb"], strict=True):
        clip[:count] = clip[:count][::-1].copy()
    np.testing.assert_allclose(predict(model, inputs), expected, atol=1e-6)


def test_an_absent_modality_is_the_mean_as_its_only_frame():
    mean = [0.5, -1.0, 2.0, 0.25]
    inputs = draw_inputs()
    probabilities = predict(
        make_classifier(mean_features={"audio": mean}), inputs
    )
    without = predict(make_classifier(), inputs)
    inputs["audio"][2, 0] = mean
    inputs["audio_num_frames"][2] = 1
    expected = predict(make_classifier(), inputs)
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    assert np.abs(without[2] - expected[2]).max() > 1e-3


def test_the_modalities_keep_the_order_of_the_clusters(tmp_path):
    for model in (
        make_classifier(),
        save_and_load(make_classifier(), tmp_path),
    ):
        assert model.get_layer("clusters").modalities == ("rgb", "audio")


def test_a_loaded_classifier_gives_bit_identical_probabilities(tmp_path):
    model, inputs = make_classifier(), draw_inputs()
    expected = predict(model, inputs)
    loaded = save_and_load(model, tmp_path)
    np.testing.assert_array_equal(predict(loaded, inputs), expected)
    assert np.ptp(expected, axis=0).max() > 0.05


def test_takes_cluster_layers_as_they_are():
    given = AttentionCluster(2, "fc2", hidden_units=4)
    model = make_classifier({"rgb": given, "audio": ShiftingCluster(1)})
    clusters = model.get_layer("clusters")
    assert isinstance(clusters, MultimodalCluster)
    assert clusters.clusters["rgb"] is given
    assert predict(model, draw_inputs()).shape == (4, NUM_CLASSES)


def test_dropout_acts_in_training_alone():
    model, inputs = make_classifier(dropout=0.5), draw_inputs()
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert not np.allclose(model(inputs, training=True), model(inputs))
    assert model.get_layer("dropout").rate == 0.5


def test_training_takes_the_loss_to_near_zero():
    keras.utils.set_random_seed(0)
    model = cluster_classifier(DIMS, CLUSTERS, 4, dropout=0.0)
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    history = model.fit(draw_inputs(), np.arange(4), epochs=40, verbose=0)
    losses = history.history["loss"]
    assert losses[0] > 1.0 and losses[-1] < 0.1


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_probabilities_are_float32_under_a_mixed_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make_classifier()
    finally:
        keras.config.set_dtype_policy(before)
    probabilities = predict(model, draw_inputs())
    assert model.output.dtype == probabilities.dtype == "float32"
    assert model.get_layer("clusters").compute_dtype == policy[6:]
    np.testing.assert_allclose(probabilities.sum(1), np.ones(4), atol=1e-5)
    expected = predict(make_classifier(), draw_inputs())
    np.testing.assert_allclose(probabilities, expected, atol=0.1)


@pytest.mark.parametrize("clusters", [{"rgb": 3}, {**CLUSTERS, "flow": 1}])
def test_dims_and_clusters_of_unlike_modalities_are_named(clusters):
    message = (
        r"expects dims and clusters .*Received: .*"
        rf"clusters=\[{str(sorted(clusters))[1:-1]}\].*\. "
    )
    with pytest.raises(ValueError, match=message):
        cluster_classifier(DIMS, clusters, NUM_CLASSES)
