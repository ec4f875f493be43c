"""serving.Client: errors of servers, other servers, encryption."""

import pickle
import re
import shutil
import subprocess

import grpc
import numpy as np
import pytest

from ac_keras import serving
from ac_keras.serving.client import errors
from support.serving.loopback_model import ServingError
from support.serving.model_server import MODEL_NAME
from support.serving.scripted_server import MODEL_NAME as SCRIPTED
from support.serving.scripted_server import number_clips
from support.serving.scripted_server import scripted_client
from support.serving.scripted_server import serve_answer
from support.serving.scripted_server import serve_script

THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
VALID = {"rgb": np.ones((2, 5)), "audio": np.ones((3, 4))}
STRANGERS = {  # HTTP status and body, and the code and words that come of them
    "a page": (200, b"<html>Hello</html>", "UNKNOWN", "HTTP 200: <html>Hello"),
    "a list": (200, b"[1, 2]", "UNKNOWN", "HTTP 200: [1, 2]"),
    "another API": (200, b'{"state": "up"}', "UNKNOWN", 'HTTP 200: {"state"'),
    "a proxy": (502, b"<h1>Bad Gateway</h1>", "UNKNOWN", "HTTP 502: <h1>Bad"),
    "nothing there": (404, b"", "NOT_FOUND", "HTTP 404: Not Found"),
    "a login": (401, b"Who are you?", "UNAUTHENTICATED", "Who are you"),
    "a limit": (413, b"Too long", "RESOURCE_EXHAUSTED", "Too long"),
    "another place": (302, b"Over there", "UNKNOWN", "HTTP 302: Over there"),
}


def refusal_of(predictions):
    with pytest.raises(serving.ServerError) as caught:
        list(predictions)
    assert re.search(THREE_PARTS, str(caught.value))
    return caught.value


def test_a_rejected_batch_is_named_with_what_the_server_said(
    server, protocol, connect
):
    bad = {**VALID, "rgb": np.full((1, 5), np.nan)}
    with connect(batch_size=3) as client:
        error = refusal_of(client.predict([VALID] * 4 + [bad]))
    assert error.code == "INVALID_ARGUMENT"
    assert str(error) == (
        f"Expected model '{MODEL_NAME}' at {server.address(protocol)} to "
        "answer signature 'serving_default' for clips 3 to 4, which it counts "
        "from 0. Received: INVALID_ARGUMENT: Expected finite features of rgb, "
        "of magnitude 1e+15 or less. Received: NaN, infinity or more in the "
        "clips 1. Correct the request or omit the clip."
    )


def test_a_refusal_has_no_traces_of_nodes(client):
    error = refusal_of(client.predict_examples([b"\xff\xff"]))
    assert error.code == "INVALID_ARGUMENT"
    assert "Expected serialized tf.Examples" in str(error)
    assert not re.search(r"\[\[|\{\{|node |\n|\t", str(error))


@pytest.mark.parametrize(
    "settings, said",
    [({"model": "other"}, "model 'other'"), ({"version": 7}, "version 7,")],
)
def test_an_unknown_model_or_version_is_not_found(settings, said, connect):
    with connect(**settings) as client:
        for ask in (lambda: client.predict([VALID]), client.status):
            with pytest.raises(serving.ServerError, match=said) as caught:
                ask()
            assert caught.value.code == "NOT_FOUND"


def test_a_known_version_answers(connect):
    with connect(version=1) as client:
        assert client.status() == {1: "AVAILABLE"}
        (prediction,) = client.predict([VALID])
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_server_error_survives_a_pickle():
    error = serving.ServerError("Expected more.", "ABORTED")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, RuntimeError)
    assert (str(copy), copy.code) == ("Expected more.", "ABORTED")


SEVERAL = (
    "2 root error(s) found.\n  (0) INVALID_ARGUMENT: Expected one.\n"
    "\t [[{{node a/Assert}}]]\n\t [[b/_9]]\n  (1) INVALID_ARGUMENT: "
    "Expected two.\n\t [[{{node c}}]]\n0 successful operations."
)
ASSERTION = (
    "assertion failed: [Expected one of [\\'rgb\\', \\'audio\\']. "
    "Received:] [[1 2][3 4]]\n\t [[{{node x}}]]"
)


@pytest.mark.parametrize(
    "said, trimmed",
    [
        (SEVERAL, "Expected one."),  # the first of several root errors
        (ASSERTION, "Expected one of ['rgb', 'audio']. Received: [1 2][3 4]"),
        ("value: \x00\x1b[2Ja", "value: ??[2Ja"),
    ],
)
def test_a_message_is_reported_without_traces_and_control_characters(
    said, trimmed
):
    assert errors.trim(said) == trimmed


@pytest.mark.parametrize("part", ["[[", "[[a", "[[{{", " ", "[a]", "\n [["])
def test_a_long_message_is_cut_off_without_ado(part):
    said = errors.trim(f"assertion failed: {part * 50_000}x")
    assert len(said) <= 1004


def test_a_refusal_that_quotes_a_whole_record_keeps_its_code(protocol):
    def reject(feeds, fetches, arrays):
        raise ServingError("INVALID_ARGUMENT", f"Could not parse {'x' * 2**20}")

    with scripted_client(protocol=protocol) as (client, version):
        version.run = reject
        error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INVALID_ARGUMENT"
    assert "Could not parse xxx" in str(error)
    assert len(str(error)) < 2000


def test_an_answer_of_other_clips_is_rejected():
    outputs = {"scores": np.zeros((3, 1), np.float32)}
    outputs["classes"] = np.array([[b"any"]] * 3, object)
    with scripted_client() as (client, version):
        version.run = lambda feeds, fetches, arrays: [
            outputs[name] for name in fetches
        ]
        error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INTERNAL"
    assert "of 1 clips" in str(error)


@pytest.mark.parametrize("case", STRANGERS)
def test_an_answer_of_another_server_is_reported_at_once(case):
    status, body, code, said = STRANGERS[case]
    with (
        serve_answer(status, body) as port,
        serving.Client(
            f"127.0.0.1:{port}", "clips", protocol="rest", timeout=600
        ) as client,
    ):
        for ask in (client.metadata, client.status):
            with pytest.raises(serving.ServerError) as caught:
                ask()
            assert caught.value.code == code
            assert said in str(caught.value)
            assert re.search(THREE_PARTS, str(caught.value))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a private key and of its self-signed certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl not installed")
    folder = tmp_path_factory.mktemp("certificate")
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048"),
            *("-subj", "/CN=localhost", "-days", "2"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", key, "-out", chain),
        ],
        check=True,
        capture_output=True,
    )
    return key, chain


@pytest.mark.parametrize(
    "protocol, code", [("grpc", "UNAVAILABLE"), ("rest", "UNAUTHENTICATED")]
)
def test_only_a_trusted_server_is_sent_clips(protocol, code, certificate):
    _, chain = certificate
    trusted = {
        "grpc": grpc.ssl_channel_credentials(chain.read_bytes()),
        "rest": str(chain),
    }
    with serve_script(certificate=certificate) as server:
        address = (
            f"{'https://' * (protocol == 'rest')}{server.address(protocol)}"
        )

        def predict(**settings):
            with serving.Client(
                address, SCRIPTED, protocol=protocol, **settings
            ) as client:
                clips = client.predict(number_clips([7]))
                return [float(x.scores[0]) for x in clips]

        assert predict(credentials=trusted[protocol]) == [7]
        with pytest.raises(serving.ServerError) as caught:
            predict(timeout=1)
    assert caught.value.code == code
