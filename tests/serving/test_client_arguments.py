"""serving.Client: what it refuses itself, before anything is sent."""

import re
import subprocess
import sys

import numpy as np
import pytest

from ac_keras import serving
from support.serving import ragged_clips
from support.serving.model_server import MODEL_NAME

pytestmark = pytest.mark.programs

ADDRESS = "127.0.0.1:1"
THREE_PARTS = r"[Ee]xpect(ed|s) .+\. Received: .+\. [A-Z].+\.$"
SOUND = {"rgb": np.ones((2, 5)), "audio": np.ones((3, 4))}
BAD_CLIPS = {  # a clip that is never sent, and what is said of it
    "another dim": ({"rgb": np.ones((2, 4))}, r"\(num_frames, 5\). Received: "),
    "a single frame": ({"rgb": np.ones(5)}, r"shape=\(5,\) for 'rgb' of clip"),
    "rows of unlike lengths": (
        {"audio": [[1, 2, 3, 4], [1, 2, 3]]},
        "rows of unlike lengths for 'audio' of clip 1",
    ),
    "words": ({"audio": [["a"] * 4]}, "dtype=<U1 for 'audio' of clip 1"),
    "truth values": ({"rgb": np.ones((1, 5), bool)}, "dtype=bool for 'rgb'"),
    "an unknown modality": (
        {**SOUND, "flow": np.ones((1, 3))},
        r"Received: \['flow'\] in clip 1. Leave",
    ),
    "no frame": ({"rgb": [], "audio": None}, "Received: none in clip 1"),
    "no modality": ({}, "Received: none in clip 1"),
    "no mapping": (np.ones((2, 5)), "Received: ndarray for clip 1. Give"),
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


@pytest.fixture(scope="module", params=["grpc", "rest"])
def protocol(request):
    return request.param


@pytest.fixture(scope="module")
def client(server, protocol):
    address = server.address(protocol)
    with serving.Client(address, MODEL_NAME, protocol=protocol) as client:
        yield client


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_a_clip_that_cannot_be_sent_is_named(case, client):
    clip, said = BAD_CLIPS[case]
    with pytest.raises(ValueError, match=said) as caught:
        list(client.predict([SOUND, clip]))
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


@pytest.mark.parametrize("name", ["", "embed"])
def test_an_unknown_signature_is_named_with_the_known(name, client):
    message = rf"among \[.*'serving_default'.*\]. Received: '{name}'"
    with pytest.raises(ValueError, match=message) as caught:
        client.predict([SOUND], name)
    assert re.search(THREE_PARTS, str(caught.value))


def test_frames_are_not_sent_where_records_are_wanted(client):
    message = r"signature='classify', which takes \['inputs'\]"
    with pytest.raises(ValueError, match=message):
        client.predict([SOUND], "classify")


@pytest.mark.parametrize("method", ["predict_examples", "classify"])
def test_records_are_bytes(method, client):
    with pytest.raises(ValueError, match="Received: dict for clip 0"):
        list(getattr(client, method)([SOUND]))


def test_an_example_cut_off_is_not_classified(client):
    record = ragged_clips.as_record(SOUND)
    with pytest.raises(ValueError, match="Received: clip 1, which is cut"):
        list(client.classify([record, record[:-1]]))


def test_a_closed_client_says_so(server, protocol):
    address = server.address(protocol)
    client = serving.Client(address, MODEL_NAME, protocol=protocol)
    client.metadata()
    client.close()
    for ask in (client.status, lambda: client.predict([SOUND])):
        with pytest.raises(ValueError, match="which is closed") as caught:
            ask()
        assert re.search(THREE_PARTS, str(caught.value))


def test_without_the_extra_rest_works_and_grpc_names_it():
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRA],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    name, message = result.stdout.splitlines()
    assert name == "Client"
    assert re.search(THREE_PARTS, message)
    assert "Install ac-keras[serving]" in message
