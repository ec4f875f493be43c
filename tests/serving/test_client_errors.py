"""serving.Client: what it says when a server refuses."""

import pickle
import re

import numpy as np
import pytest

from ac_keras import serving
from ac_keras.serving.client import errors
from support.serving.loopback_model import ServingError
from support.serving.model_server import MODEL_NAME
from support.serving.scripted_server import serve_script

THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
SOUND = {"rgb": np.ones((2, 5)), "audio": np.ones((3, 4))}


@pytest.fixture(scope="module", params=["grpc", "rest"])
def protocol(request):
    return request.param


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


def test_a_refused_batch_is_named_with_what_the_server_said(server, protocol):
    bad = {**SOUND, "rgb": np.full((1, 5), np.nan)}
    address = server.address(protocol)
    settings = {"protocol": protocol, "batch_size": 3}
    with serving.Client(address, MODEL_NAME, **settings) as client:
        error = refusal_of(client.predict([SOUND] * 4 + [bad]))
    assert error.code == "INVALID_ARGUMENT"
    assert str(error) == (
        f"Expected model '{MODEL_NAME}' at {address} to answer signature "
        "'serving_default' for clips 3 to 4, which it counts from 0. Received: "
        "INVALID_ARGUMENT: Expected finite features of rgb, of magnitude 1e+15 "
        "or less. Received: NaN, infinity or more in the clips 1. Mend what "
        "was sent or leave it out."
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
            client.predict([SOUND])
        assert error.value.code == "NOT_FOUND"
        with pytest.raises(serving.ServerError, match="NOT_FOUND"):
            client.status()


def test_an_unknown_version_is_not_found(server, protocol):
    settings = {"protocol": protocol, "version": 7}
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, **settings) as client:
        with pytest.raises(serving.ServerError, match="version 7,") as error:
            client.predict([SOUND])
        assert error.value.code == "NOT_FOUND"


def test_a_known_version_answers(server, protocol):
    settings = {"protocol": protocol, "version": 1}
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, **settings) as client:
        assert client.status() == {1: "AVAILABLE"}
        (prediction,) = client.predict([SOUND])
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_a_server_error_survives_a_pickle():
    error = serving.ServerError("Expected more.", "ABORTED")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, RuntimeError)
    assert (str(copy), copy.code) == ("Expected more.", "ABORTED")


def test_of_several_root_errors_the_first_is_told():
    said = (
        "2 root error(s) found.\n  (0) INVALID_ARGUMENT: Expected one.\n"
        "\t [[{{node a/Assert}}]]\n\t [[b/_9]]\n  (1) INVALID_ARGUMENT: "
        "Expected two.\n\t [[{{node c}}]]\n0 successful operations."
    )
    assert errors.trim(said) == "Expected one."


def test_an_assertion_is_told_without_the_brackets_of_its_parts():
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
    def refuse(feeds, fetches, arrays):
        raise ServingError("INVALID_ARGUMENT", f"Could not parse {'x' * 2**20}")

    with serve_script(lambda number, values: None) as server:
        server.version.run = refuse
        address = server.address(protocol)
        with serving.Client(address, "scripted", protocol=protocol) as client:
            error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INVALID_ARGUMENT"
    assert "Could not parse xxx" in str(error)
    assert len(str(error)) < 2000


def test_an_answer_of_other_clips_is_refused():
    with serve_script(lambda number, values: None) as server:
        server.version.run = lambda feeds, fetches, arrays: [
            np.zeros((3, 1), np.float32)
            if name == "scores"
            else np.array([[b"any"]] * 3, object)
            for name in fetches
        ]
        with serving.Client(server.address("grpc"), "scripted") as client:
            error = refusal_of(client.predict([{"rgb": [[1, 2]]}]))
    assert error.code == "INTERNAL"
    assert "of 1 clips" in str(error)
