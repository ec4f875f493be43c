"""ClipClassifier, its parts, and models that version 0.1.0 saved."""

import keras
import numpy as np
import pytest

from ac_keras import ClipClassifier
from ac_keras import attention_model
from ac_keras import cluster_classifier
from ac_keras import layers
from ac_keras.layers import MultimodalCluster
from ac_keras.models import as_clip_classifier
from ac_keras.models import logits_model

DIMS = {"audio": 4, "rgb": 5}
CLUSTERS = {"rgb": 3, "audio": 2}  # Neither in DIMS' nor alphabetical order.
COUNTS = {"rgb": [6, 2, 1, 5], "audio": [4, 3, 0, 1]}
LENGTHS = {"rgb": 6, "audio": 4}
NUM_CLASSES = 7
each_state = pytest.mark.parametrize("state", ["new", "loaded", "0.1.0"])


def make_classifier(clusters=None, **kwargs):
    """A classifier with random weights, so that clips get unlike classes."""
    model = cluster_classifier(
        DIMS, clusters or CLUSTERS, NUM_CLASSES, **kwargs
    )
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


def draw_inputs(padding=0.0):
    rng = np.random.default_rng(2)
    inputs = {}
    for name, dim in DIMS.items():
        frames = rng.normal(size=(4, LENGTHS[name], dim)).astype("float32")
        for clip, count in zip(frames, COUNTS[name], strict=True):
            clip[count:] = padding
        inputs[name] = frames
        inputs[f"{name}_num_frames"] = np.array(COUNTS[name], "int32")
    return inputs


def mask_of(name):
    return np.arange(LENGTHS[name]) < np.array(COUNTS[name])[:, None]


def predict(model, inputs):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(inputs))


def save_and_load(model, folder):
    model.save(folder / "model.keras")
    return keras.models.load_model(folder / "model.keras")


def build_as_version_0_1_0():
    """Builds the functional model of `cluster_classifier` in 0.1.0."""
    frames, num_frames, mask = {}, {}, {}
    for name in CLUSTERS:
        frames[name] = keras.Input((None, DIMS[name]), name=name)
        num_frames[name] = keras.Input(
            (), dtype="int32", name=f"{name}_num_frames"
        )
        mask[name] = layers.FrameMask(name=f"{name}_mask")(
            frames[name], num_frames[name]
        )
    features, _ = MultimodalCluster(CLUSTERS, name="clusters")(
        frames, mask=mask, return_attention_scores=True
    )
    features = layers.ByteDropout(0.5, name="dropout")(features)
    logits = layers.WideDense(NUM_CLASSES, name="logits")(features)
    probabilities = keras.layers.Activation(
        "softmax", dtype="float32", name="probabilities"
    )(logits)
    inputs = {x.name: x for x in (*frames.values(), *num_frames.values())}
    return keras.Model(inputs, probabilities, name="cluster_classifier")


def make_in_state(state, folder):
    """Makes a classifier, or loads one that was saved."""
    model = make_classifier()
    if state == "0.1.0":
        old = build_as_version_0_1_0()
        old.set_weights(model.get_weights())
        return save_and_load(old, folder)
    return save_and_load(model, folder) if state == "loaded" else model


def test_models_and_weights_of_version_0_1_0_are_loaded(tmp_path):
    old, inputs = make_in_state("0.1.0", tmp_path), draw_inputs()
    assert not isinstance(old, ClipClassifier)
    model = as_clip_classifier(old)
    assert isinstance(model, ClipClassifier)
    assert as_clip_classifier(model) is model
    new = make_classifier()
    assert new.modalities == tuple(CLUSTERS)
    for name in ("modalities", "dims", "num_classes", "multi_label"):
        assert getattr(model, name) == getattr(new, name)
    expected = predict(old, inputs)
    loaded = save_and_load(model, tmp_path)
    assert isinstance(loaded, ClipClassifier)
    for same in (model, new, loaded):
        np.testing.assert_array_equal(predict(same, inputs), expected)
    built = build_as_version_0_1_0()
    assert [w.path for w in new.weights] == [w.path for w in built.weights]
    old.save_weights(tmp_path / "best.weights.h5")
    model = cluster_classifier(DIMS, CLUSTERS, NUM_CLASSES)
    model.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(predict(model, inputs), expected)


def test_another_model_is_not_a_clip_classifier():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="Received: .*dense"):
        as_clip_classifier(model)


@each_state
def test_the_parts_of_a_classifier_are_models(state, tmp_path):
    model, inputs = make_in_state(state, tmp_path), draw_inputs()
    model = as_clip_classifier(model)
    assert {name: x.shape for name, x in model.input.items()} == {
        "rgb": (None, None, 5),
        "rgb_num_frames": (None,),
        "audio": (None, None, 4),
        "audio_num_frames": (None,),
    }
    assert model.input["rgb_num_frames"].dtype == "int32"
    features = predict(model.embedding_model(), inputs)
    pooled = model.aggregator(
        {name: inputs[name] for name in DIMS},
        mask={name: mask_of(name) for name in DIMS},
    )
    np.testing.assert_array_equal(features, pooled)
    logits, probabilities = predict(model.logits_model(), inputs)
    kernel, bias = model.classifier.get_weights()
    np.testing.assert_allclose(logits, features @ kernel + bias, atol=1e-5)
    np.testing.assert_array_equal(probabilities, predict(model, inputs))
    assert np.ptp(probabilities, axis=0).max() > 0.05


def test_logits_are_those_of_a_functional_clone_as_well():
    model, inputs = make_classifier(), draw_inputs()
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    expected = predict(logits_model(model), inputs)
    np.testing.assert_array_equal(
        predict(logits_model(clone), inputs), expected
    )
    scores = predict(attention_model(model), inputs)
    for name, found in predict(attention_model(clone), inputs).items():
        np.testing.assert_array_equal(found, scores[name])


@keras.saving.register_keras_serializable(package="ac_keras_tests")
class Mean(keras.layers.Layer):
    """An aggregator without attention: the mean of all kept frames."""

    supports_masking = True

    def call(self, frames, mask):
        sums = [
            keras.ops.sum(
                keras.ops.where(mask[name][:, :, None], frames[name], 0), axis=1
            )
            for name in sorted(frames)
        ]
        return keras.ops.concatenate(sums, axis=1) / 4


def test_any_layer_can_be_the_aggregator(tmp_path):
    model = ClipClassifier(DIMS, NUM_CLASSES, Mean(), multi_label=True)
    inputs = draw_inputs(padding=np.nan)
    frames = [np.nansum(inputs[name], axis=1) / 4 for name in sorted(DIMS)]
    found = predict(model.embedding_model(), inputs)
    np.testing.assert_allclose(found, np.hstack(frames), atol=1e-6)
    assert model.multi_label and not model.has_attention
    with pytest.raises(ValueError, match="Received: aggregator=Mean"):
        model.attention_model()
    loaded = save_and_load(model, tmp_path)
    expected = predict(model, inputs)
    np.testing.assert_array_equal(predict(loaded, inputs), expected)


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


def test_takes_cluster_layers_as_they_are_and_dropout():
    given = layers.AttentionCluster(2, "fc2", hidden_units=4)
    clusters = {"rgb": given, "audio": layers.ShiftingCluster(1)}
    model, inputs = make_classifier(clusters, dropout=0.25), draw_inputs()
    assert isinstance(model.aggregator, MultimodalCluster)
    assert model.aggregator.clusters["rgb"] is given
    assert model(inputs).shape == (4, NUM_CLASSES)
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert not np.allclose(model(inputs, training=True), model(inputs))
    assert model.get_layer("dropout").rate == 0.25


def test_training_takes_the_loss_to_near_zero():
    keras.utils.set_random_seed(0)
    model = cluster_classifier(DIMS, CLUSTERS, 4, dropout=0.0)
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    history = model.fit(draw_inputs(), np.arange(4), epochs=40, verbose=0)
    losses = history.history["loss"]
    assert losses[0] > 1.0 and losses[-1] < 0.1


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_global_policy_is_that_of_the_aggregator(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make_classifier()
    finally:
        keras.config.set_dtype_policy(before)
    probabilities = predict(model, draw_inputs())
    assert model.output.dtype == probabilities.dtype == "float32"
    assert model.aggregator.compute_dtype == policy[6:]
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


@each_state
def test_an_attention_model_gives_scores_and_leaves_the_classifier(
    state, tmp_path
):
    model, inputs = make_in_state(state, tmp_path), draw_inputs()
    expected = predict(model, inputs)
    attention = attention_model(model)
    assert {id(w) for w in attention.weights} == {id(w) for w in model.weights}
    outputs = predict(attention, inputs)
    assert np.ptp(expected, axis=0).max() > 0.05
    np.testing.assert_allclose(
        outputs.pop("probabilities"), expected, atol=1e-6
    )
    assert set(outputs) == {"rgb_attention", "audio_attention"}
    for name, num_units in CLUSTERS.items():
        scores = outputs[f"{name}_attention"]
        assert scores.shape == (4, num_units, LENGTHS[name])
        assert not np.moveaxis(scores, 1, 2)[~mask_of(name)].any()
        total = np.minimum(COUNTS[name], 1)[:, None]  # Nothing, if absent.
        np.testing.assert_allclose(
            scores.sum(-1), np.tile(total, (1, num_units)), atol=1e-6
        )
    attention_model(model)
    loaded = save_and_load(model, tmp_path)
    np.testing.assert_array_equal(predict(loaded, inputs), expected)
    model.set_weights([-w for w in model.get_weights()])
    after = predict(attention, inputs)["probabilities"]
    np.testing.assert_allclose(after, predict(model, inputs), atol=1e-6)
    assert np.abs(after - expected).max() > 1e-2


def test_the_attention_model_can_be_saved_itself(tmp_path):
    attention, inputs = attention_model(make_classifier()), draw_inputs()
    expected = predict(attention, inputs)
    outputs = predict(save_and_load(attention, tmp_path), inputs)
    for name, output in outputs.items():
        np.testing.assert_array_equal(output, expected[name])
    assert len(outputs) == 3
