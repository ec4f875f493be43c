"""serving.Client: errors of servers, other servers, encryption."""

import http.server
import pickle
import re
import shutil
import subprocess
import threading

import grpc
import numpy as np
import pytest

from ac_keras import serving
from ac_keras.serving.client import errors
from support.serving.loopback_model import ServingError
from support.serving.model_server import MODEL_NAME
from support.serving.scripted_server import MODEL_NAME as SCRIPTED
from support.serving.scripted_server import number_clips
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


@pytest.fixture(scope="module")
def client(server, protocol):
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, protocol=protocol) as client:
        yield client


def refusal_of(predictions):
    with pytest.raises(serving.ServerError) as caught:
        list(predictions)
    assert re.search(THREE_PARTS, str(caught.value))
    return caught.value


def test_a_rejected_batch_is_named_with_what_the_server_said(server, protocol):
    bad = {**VALID, "rgb": np.full((1, 5), np.nan)}
    address = server.address(protocol)
    settings = {"protocol": protocol, "batch_size": 3}
    with serving.Client(address, MODEL_NAME, **settings) as client:
        error = refusal_of(client.predict([VALID] * 4 + [bad]))
    assert error.code == "INVALID_ARGUMENT"
    assert str(error) == (
        f"Expected model '{MODEL_NAME}' at {address} to answer signature "
        "'serving_default' for clips 3 to 4, which it counts from 0. Received: "
        "INVALID_ARGUMENT: Expected finite features of rgb, of magnitude 1e+15 "
        "or less. Received: NaN, infinity or more in the clips 1. Correct "
        "the request or omit the clip."
    )


def test_a_refusal_has_no_traces_of_nodes(client):
    error = refusal_of(client.predict_examples([b"\xff\xff"]))
    assert error.code == "INVALID_ARGUMENT"
    assert "Expected serialized tf.Examples" in str(error)
    assert not re.search(r"\[\[|\{\{|node |\n|\t", str(error))


def test_an_unknown_model_is_not_found(server, protocol):
    address = server.address(protocol)
    with serving.Client(address, "other", protocol=protocol) as client:
        with pytest.raises(serving.ServerError, match="model 'other'") as error:
            client.predict([VALID])
        assert error.value.code == "NOT_FOUND"
        with pytest.raises(serving.ServerError, match="NOT_FOUND"):
            client.status()


def test_an_unknown_version_is_not_found(server, protocol):
    settings = {"protocol": protocol, "version": 7}
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, **settings) as client:
        with pytest.raises(serving.ServerError, match="version 7,") as error:
            client.predict([VALID])
        assert error.value.code == "NOT_FOUND"


def test_a_known_version_answers(server, protocol):
    settings = {"protocol": protocol, "version": 1}
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, **settings) as client:
        assert client.status() == {1: "AVAILABLE"}
        (prediction,) = client.predict([VALID])
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_server_error_survives_a_pickle():
    error = serving.ServerError("Expected more.", "ABORTED")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, RuntimeError)
    assert (str(copy), copy.code) == ("Expected more.", "ABORTED")


def test_of_several_root_errors_the_first_is_reported():
    said = (
        "2 root error(s) found.\n  (0) INVALID_ARGUMENT: Expected one.\n"
        "\t [[{{node a/Assert}}]]\n\t [[b/_9]]\n  (1) INVALID_ARGUMENT: "
        "Expected two.\n\t [[{{node c}}]]\n0 successful operations."
    )
    assert errors.trim(said) == "Expected one."


def test_an_assertion_is_reported_without_the_brackets_of_its_parts():
    said = (
        "assertion failed: [Expected one of [\\'rgb\\', \\'audio\\']. "
        "Received:] [[1 2][3 4]]\n\t [[{{node x}}]]"
    )
    expected = "Expected one of ['rgb', 'audio']. Received: [1 2][3 4]"
    assert errors.trim(said) == expected


def test_characters_that_do_not_print_are_left_out():
    assert errors.trim("value: \x00\x1b[2Ja") == "value: ??[2Ja"


@pytest.mark.parametrize("part", ["[[", "[[a", "[[{{", " ", "[a]", "\n [["])
def test_a_long_message_is_cut_off_without_ado(part):
    said = errors.trim(f"assertion failed: {part * 50_000}x")
    assert len(said) <= 1004


def test_a_refusal_that_quotes_a_whole_record_keeps_its_code(protocol):
    def reject(feeds, fetches, arrays):
        raise ServingError("INVALID_ARGUMENT", f"Could not parse {'x' * 2**20}")

    with serve_script(lambda number, values: None) as server:
        server.version.run = reject
        address = server.address(protocol)
        with serving.Client(address, SCRIPTED, protocol=protocol) as client:
            error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INVALID_ARGUMENT"
    assert "Could not parse xxx" in str(error)
    assert len(str(error)) < 2000


def test_an_answer_of_other_clips_is_rejected():
    with serve_script(lambda number, values: None) as server:
        server.version.run = lambda feeds, fetches, arrays: [
            np.zeros((3, 1), np.float32)
            if name == "scores"
            else np.array([[b"any"]] * 3, object)
            for name in fetches
        ]
        with serving.Client(server.address("grpc"), SCRIPTED) as client:
            error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INTERNAL"
    assert "of 1 clips" in str(error)


@pytest.fixture(scope="module")
def strangers():
    """By case, of a server in a thread."""
    servers = {
        case: start(status, body)
        for case, (status, body, _, _) in STRANGERS.items()
    }
    yield {
        case: f"127.0.0.1:{server.server_port}"
        for case, server in servers.items()
    }
    for server in servers.values():
        server.shutdown()
        server.server_close()


def start(status, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Logs nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    return server


@pytest.mark.parametrize("case", STRANGERS)
def test_an_answer_of_another_server_is_reported_at_once(case, strangers):
    _, _, code, said = STRANGERS[case]
    settings = {"protocol": "rest", "timeout": 600}
    with serving.Client(strangers[case], "clips", **settings) as client:
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


@pytest.fixture(scope="module")
def addresses(certificate):
    """Addresses of a server, by protocol."""
    with serve_script(lambda number, values: None, certificate) as server:
        yield {
            "grpc": server.address("grpc"),
            "rest": f"https://{server.address('rest')}",
        }


def predict_seven(addresses, protocol, credentials):
    with serving.Client(
        addresses[protocol],
        SCRIPTED,
        protocol=protocol,
        timeout=1 if credentials is None else 30,
        credentials=credentials,
    ) as client:
        return [float(x.scores[0]) for x in client.predict(number_clips([7]))]


def trusting(protocol, certificate):
    _, chain = certificate
    if protocol == "rest":
        return str(chain)
    return grpc.ssl_channel_credentials(chain.read_bytes())


def test_a_trusted_server_answers(protocol, addresses, certificate):
    credentials = trusting(protocol, certificate)
    assert predict_seven(addresses, protocol, credentials) == [7]


@pytest.mark.parametrize(
    "protocol, code", [("grpc", "UNAVAILABLE"), ("rest", "UNAUTHENTICATED")]
)
def test_without_the_certificate_nothing_is_sent(protocol, code, addresses):
    with pytest.raises(serving.ServerError) as caught:
        predict_seven(addresses, protocol, None)
    assert caught.value.code == code
