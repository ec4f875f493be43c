"""serving.Client: its predictions over both protocols, and its own checks."""

import re

import numpy as np
import pytest

from ac_keras import serving
from support.programs import output_of
from support.programs import run_python
from support.serving.model_server import MODEL_NAME
from support.serving.served_classifier import CLASS_NAMES
from support.serving.served_classifier import as_record
from support.serving.served_classifier import draw_ragged
from support.serving.served_classifier import expect_attention
from support.serving.served_classifier import expect_probabilities

pytestmark = pytest.mark.programs

TOP_K = 3
CLIPS = draw_ragged(45)
WHOLE = [clip for clip in CLIPS if all(map(len, clip.values()))]
ADDRESS = "127.0.0.1:1"
THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
VALID = {"rgb": np.ones((2, 5)), "audio": np.ones((3, 4))}
RECORD = as_record(VALID)
BAD_CLIPS = {  # a clip that is never sent, and what is said of it
    "another dim": ({"rgb": np.ones((2, 4))}, r"\(num_frames, 5\). Received: "),
    "a single frame": ({"rgb": np.ones(5)}, r"shape=\(5,\) for 'rgb' of clip"),
    "rows of different lengths": (
        {"audio": [[1, 2, 3, 4], [1, 2, 3]]},
        "rows of different lengths for 'audio' of clip 1",
    ),
    "words": ({"audio": [["a"] * 4]}, "dtype=<U1 for 'audio' of clip 1"),
    "truth values": ({"rgb": np.ones((1, 5), bool)}, "dtype=bool for 'rgb'"),
    "an unknown modality": (
        {**VALID, "flow": np.ones((1, 3))},
        r"Received: \['flow'\] in clip 1. Omit",
    ),
    "no frame": ({"rgb": [], "audio": None}, "Received: none in clip 1"),
    "no modality": ({}, "Received: none in clip 1"),
    "no mapping": (np.ones((2, 5)), "Received: ndarray for clip 1. Pass"),
}
BAD_SETTINGS = {
    "address": ("address", ""),
    "a URL for gRPC": ("address", "http://localhost:8500"),
    "model": ("model", ""),
    "version": ("version", -1),
    "protocol": ("protocol", "http"),
    "timeout": ("timeout", 0),
    "an endless timeout": ("timeout", float("inf")),
    "batch_size": ("batch_size", 0),
    "max_in_flight": ("max_in_flight", 0),
    "credentials": ("credentials", "certificate.pem"),
}
WITHOUT_EXTRA = """
import sys

sys.modules["tensorflow_serving"] = None
from ac_keras import serving

with serving.Client("127.0.0.1:1", "clips", protocol="rest") as client:
    print(type(client).__name__)
try:
    serving.Client("127.0.0.1:1", "clips")
except ImportError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def expected(model):
    return expect_probabilities(model, CLIPS)


def probabilities_of(predictions):
    return np.stack([x.probabilities for x in predictions])


def test_predictions_are_the_keras_models_best_first(client, expected):
    predictions = list(client.predict(CLIPS))
    received = probabilities_of(predictions)
    np.testing.assert_allclose(received, expected, atol=1e-5)
    assert received.dtype == np.float32
    assert np.ptp(received, axis=0).min() > 0.05
    best = np.argsort(-expected, axis=1)[:, :TOP_K]
    for row, prediction in enumerate(predictions):
        names = tuple(CLASS_NAMES[index] for index in best[row])
        assert prediction.classes == names
        scores = expected[row, best[row]]
        np.testing.assert_allclose(prediction.scores, scores, atol=1e-5)
        assert prediction.attention is None  # Nobody asked for it.


def test_attention_is_that_of_the_clips_own_frames(client, model, expected):
    predictions = list(client.predict(CLIPS[:10], "attention"))
    for clip, prediction in zip(CLIPS[:10], predictions, strict=True):
        own = expect_attention(model, clip)
        assert set(prediction.attention) == {"rgb", "audio"}
        for name, scores in prediction.attention.items():
            np.testing.assert_allclose(scores, own[name], atol=1e-5)
    received = probabilities_of(predictions)
    np.testing.assert_allclose(received, expected[:10], atol=1e-5)


def test_single_clips_go_without_padding(client, model):
    received = probabilities_of(client.predict(WHOLE[:6], "predict_frames"))
    expected = expect_probabilities(model, WHOLE[:6])
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_serialized_examples_give_the_same(client, expected):
    records = map(as_record, CLIPS)
    received = probabilities_of(client.predict_examples(records))
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_the_classify_call_gives_the_same_classes(client, expected):
    records = map(as_record, CLIPS)
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
    expected = expect_probabilities(model, [clip])[0]
    np.testing.assert_allclose(received.probabilities, expected, atol=1e-5)


def test_lists_and_whole_numbers_are_frames_too(client, model):
    clip = {"rgb": [[1, 2, 3, 4, 5]], "audio": np.ones((2, 4), "uint8")}
    (received,) = client.predict(iter([clip]))
    expected = expect_probabilities(model, [clip])[0]
    np.testing.assert_allclose(received.probabilities, expected, atol=1e-5)


def test_no_clip_gives_no_prediction(client):
    assert list(client.predict([])) == []


def test_metadata_has_dtypes_and_shapes(client):
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


def test_a_ready_server_has_its_version_as_status(client):
    client.wait_until_ready(10)
    assert client.status() == {1: "AVAILABLE"}


def test_messages_above_4_mib_pass_both_ways(connect, protocol, model):
    rng = np.random.default_rng(0)
    clip = {"rgb": rng.normal(size=(6000, 5)), "audio": np.ones((1, 4))}
    number_bytes, num_clips = {"grpc": (4, 64), "rest": (19, 16)}[protocol]
    assert num_clips * 6000 * 3 * number_bytes > 2**22  # the scores, less
    with connect(batch_size=num_clips) as client:
        last = list(client.predict([clip] * num_clips, "attention"))[-1]
    expected = expect_attention(model, clip)["rgb"]
    np.testing.assert_allclose(last.attention["rgb"], expected, atol=1e-5)
    assert last.attention["rgb"].shape == (3, 6000)


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_a_clip_that_cannot_be_sent_is_named(case, client):
    clip, said = BAD_CLIPS[case]
    with pytest.raises(ValueError, match=said) as caught:
        list(client.predict([VALID, clip]))
    assert re.search(THREE_PARTS, str(caught.value))


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_a_setting_out_of_range_is_named(case):
    name, value = BAD_SETTINGS[case]
    settings = {"address": ADDRESS, "model": MODEL_NAME, name: value}
    with pytest.raises(ValueError, match=rf"{name}=\S") as caught:
        serving.Client(**settings)
    assert re.search(THREE_PARTS, str(caught.value))


def test_rest_credentials_want_https():
    with pytest.raises(ValueError, match="https://. Received: address="):
        serving.Client(
            ADDRESS, MODEL_NAME, protocol="rest", credentials="ca.pem"
        )


BAD_CALLS = {  # what is called, and what is said of it
    "no signature": (
        lambda client: client.predict([VALID], ""),
        r"among \[.*'serving_default'.*\]. Received: ''",
    ),
    "an unknown signature": (
        lambda client: client.predict([VALID], "embed"),
        r"among \[.*'serving_default'.*\]. Received: 'embed'",
    ),
    "no signature of videos": (
        lambda client: client.predict_examples([b""], sequences=True),
        "Received: 'from_sequence_examples'",
    ),
    "frames for records": (
        lambda client: client.predict([VALID], "classify"),
        r"signature='classify', which takes \['inputs'\]",
    ),
    "frames as an example": (
        lambda client: list(client.predict_examples([VALID])),
        "Received: dict for clip 0",
    ),
    "frames to classify": (
        lambda client: list(client.classify([VALID])),
        "Received: dict for clip 0",
    ),
    "an example cut off": (
        lambda client: list(client.classify([RECORD, RECORD[:-1]])),
        "clip 1, which is truncated",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_a_call_that_cannot_be_sent_is_rejected(case, client):
    call, said = BAD_CALLS[case]
    with pytest.raises(ValueError, match=said) as caught:
        call(client)
    assert re.search(THREE_PARTS, str(caught.value))


def test_a_closed_client_raises_an_error(connect):
    client = connect()
    client.metadata()
    client.close()
    for ask in (client.status, lambda: client.predict([VALID])):
        with pytest.raises(ValueError, match="which is closed") as caught:
            ask()
        assert re.search(THREE_PARTS, str(caught.value))


def test_without_the_extra_rest_works_and_grpc_names_it():
    output = output_of(run_python("-c", WITHOUT_EXTRA))
    name, message = output.splitlines()
    assert name == "Client"
    assert re.search(THREE_PARTS, message)
    assert "Install ac-keras[serving]" in message
