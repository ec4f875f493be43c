"""serving.Client against a server process, over both protocols."""

import numpy as np
import pytest

from ac_keras import serving
from support.serving import ragged_clips
from support.serving.model_server import MODEL_NAME
from support.serving.served_classifier import CLASS_NAMES

pytestmark = pytest.mark.programs

TOP_K = 3
CLIPS = ragged_clips.draw_ragged(45)
WHOLE = [clip for clip in CLIPS if all(map(len, clip.values()))]


@pytest.fixture(scope="module", params=["grpc", "rest"])
def client(server, request):
    address = server.address(request.param)
    settings = {"protocol": request.param, "batch_size": 8, "timeout": 60}
    with serving.Client(address, MODEL_NAME, **settings) as client:
        yield client


@pytest.fixture(scope="module")
def expected(model):
    return ragged_clips.expect_probabilities(model, CLIPS)


def probabilities_of(predictions):
    return np.stack([x.probabilities for x in predictions])


def test_probabilities_are_the_keras_models(client, expected):
    received = probabilities_of(client.predict(CLIPS))
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert received.dtype == np.float32
    assert np.ptp(received, axis=0).min() > 0.05


def test_classes_are_named_best_first_with_their_scores(client, expected):
    best = np.argsort(-expected, axis=1)[:, :TOP_K]
    for row, prediction in enumerate(client.predict(CLIPS)):
        names = tuple(CLASS_NAMES[index] for index in best[row])
        assert prediction.classes == names
        scores = expected[row, best[row]]
        np.testing.assert_allclose(prediction.scores, scores, atol=1e-5)


def test_no_attention_is_given_where_none_was_asked_for(client):
    (prediction,) = client.predict(CLIPS[:1])
    assert prediction.attention is None


def test_attention_is_that_of_the_clips_own_frames(client, model):
    predictions = client.predict(CLIPS[:10], "attention")
    for clip, prediction in zip(CLIPS, predictions, strict=False):
        expected = ragged_clips.expect_attention(model, clip)
        assert set(prediction.attention) == {"rgb", "audio"}
        for name, scores in prediction.attention.items():
            np.testing.assert_allclose(scores, expected[name], atol=1e-5)


def test_attention_comes_with_probabilities(client, expected):
    received = probabilities_of(client.predict(CLIPS[:10], "attention"))
    np.testing.assert_allclose(received, expected[:10], atol=1e-5)


def test_single_clips_go_without_padding(client, model):
    received = probabilities_of(client.predict(WHOLE[:6], "predict_frames"))
    expected = ragged_clips.expect_probabilities(model, WHOLE[:6])
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_serialized_examples_give_the_same(client, expected):
    records = map(ragged_clips.as_record, CLIPS)
    received = probabilities_of(client.predict_examples(records))
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_sequence_examples_are_another_signature(client):
    with pytest.raises(ValueError, match="Received: 'from_sequence_examples'"):
        client.predict_examples([b""], sequences=True)


def test_the_classify_call_gives_the_same_classes(client, expected):
    records = map(ragged_clips.as_record, CLIPS)
    scores = -np.sort(-expected, axis=1)[:, :TOP_K]
    for row, prediction in enumerate(client.classify(records)):
        np.testing.assert_allclose(prediction.scores, scores[row], atol=1e-5)
        assert prediction.classes[0] == CLASS_NAMES[expected[row].argmax()]
        assert prediction.probabilities is None


@pytest.mark.parametrize(
    "absent",
    [{}, {"rgb": None}, {"rgb": []}, {"rgb": np.zeros((0, 5))}],
    ids=["missing", "None", "an empty list", "no rows"],
)
def test_a_modality_can_be_absent_in_any_way(absent, client, model):
    clip = {**CLIPS[0], "rgb": np.zeros((0, 5))}
    (received,) = client.predict([{"audio": clip["audio"], **absent}])
    expected = ragged_clips.expect_probabilities(model, [clip])[0]
    np.testing.assert_allclose(received.probabilities, expected, atol=1e-5)


def test_lists_and_whole_numbers_are_frames_too(client, model):
    clip = {"rgb": [[1, 2, 3, 4, 5]], "audio": np.ones((2, 4), "uint8")}
    (received,) = client.predict(iter([clip]))
    expected = ragged_clips.expect_probabilities(model, [clip])[0]
    np.testing.assert_allclose(received.probabilities, expected, atol=1e-5)


def test_no_clip_gives_no_prediction(client):
    assert list(client.predict([])) == []


def test_metadata_tells_dtypes_and_shapes(client):
    signature = client.metadata()["serving_default"]
    assert signature.method == "tensorflow/serving/predict"
    found = {
        name: (spec.dtype.name, spec.shape.as_list())
        for name, spec in {**signature.inputs, **signature.outputs}.items()
    }
    assert found == {
        "rgb": ("float32", [None, None, 5]),
        "rgb_num_frames": ("int32", [None]),
        "audio": ("float32", [None, None, 4]),
        "audio_num_frames": ("int32", [None]),
        "classes": ("string", [None, TOP_K]),
        "scores": ("float32", [None, TOP_K]),
        "probabilities": ("float32", [None, len(CLASS_NAMES)]),
    }


def test_the_status_tells_the_version(client):
    assert client.status() == {1: "AVAILABLE"}


def test_waiting_for_a_server_that_is_ready_returns(client):
    client.wait_until_ready(10)


@pytest.mark.parametrize("protocol, num_clips", [("grpc", 64), ("rest", 16)])
def test_messages_above_4_mib_pass_both_ways(
    protocol, num_clips, server, model
):
    rng = np.random.default_rng(0)
    clip = {"rgb": rng.normal(size=(6000, 5)), "audio": np.ones((1, 4))}
    number_bytes = {"grpc": 4, "rest": 19}[protocol]  # at least
    assert num_clips * 6000 * 3 * number_bytes > 2**22  # the scores, less
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, protocol=protocol) as client:
        last = list(client.predict([clip] * num_clips, "attention"))[-1]
    expected = ragged_clips.expect_attention(model, clip)["rgb"]
    np.testing.assert_allclose(last.attention["rgb"], expected, atol=1e-5)
    assert last.attention["rgb"].shape == (3, 6000)
