"""serving.Client: encrypted connections to a server with a certificate."""

import shutil
import subprocess

import grpc
import pytest

from ac_keras import serving
from support.serving.scripted_server import MODEL_NAME
from support.serving.scripted_server import number_clips
from support.serving.scripted_server import serve_script

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Paths of a private key and of a certificate that vouches for itself."""
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
    """What a client is told, by protocol."""
    with serve_script(lambda number, values: None, certificate) as server:
        yield {
            "grpc": server.address("grpc"),
            "rest": f"https://{server.address('rest')}",
        }


def ask(addresses, protocol, credentials):
    with serving.Client(
        addresses[protocol],
        MODEL_NAME,
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


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_trusted_server_answers(protocol, addresses, certificate):
    credentials = trusting(protocol, certificate)
    assert ask(addresses, protocol, credentials) == [7]


@pytest.mark.parametrize(
    "protocol, code", [("grpc", "UNAVAILABLE"), ("rest", "UNAUTHENTICATED")]
)
def test_without_the_certificate_nothing_is_sent(protocol, code, addresses):
    with pytest.raises(serving.ServerError) as caught:
        ask(addresses, protocol, None)
    assert caught.value.code == code
