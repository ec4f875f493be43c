"""serving.Client: servers that come late, die and come back."""

import concurrent.futures
import contextlib
import itertools

import numpy as np
import pytest

from ac_keras import serving
from support.serving import model_server
from support.serving.model_server import MODEL_NAME
from support.serving.served_classifier import draw_ragged
from support.serving.served_classifier import expect_probabilities

pytestmark = pytest.mark.programs

CLIPS = draw_ragged(40)
PROTOCOLS = ("grpc", "rest")
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def make_client(address, protocol, timeout):
    return serving.Client(
        address,
        MODEL_NAME,
        protocol=protocol,
        timeout=timeout,
        batch_size=4,
        max_in_flight=2,
    )


def take(predictions, count):
    return [x.probabilities for x in itertools.islice(predictions, count)]


def test_a_server_may_come_late_die_and_come_back(versions, model):
    port, rest_api_port = model_server.free_port(), model_server.free_port()
    ports = {"port": port, "rest_api_port": rest_api_port}
    addresses = [f"{model_server.HOST}:{x}" for x in ports.values()]
    with (
        contextlib.ExitStack() as stack,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        patient, impatient = (
            [
                stack.enter_context(make_client(*x, timeout))
                for x in zip(addresses, PROTOCOLS, strict=True)
            ]
            for timeout in (60, 3)
        )
        late = [pool.submit(x.wait_until_ready, 120) for x in patient]
        with model_server.serve(versions, **ports) as server:
            for future in late:
                future.result()
            # The patient first: a first request takes longer than others.
            patiently = [x.predict(CLIPS) for x in patient]
            received = [take(x, 10) for x in patiently]
            endless = [x.predict(itertools.cycle(CLIPS)) for x in impatient]
            assert [len(take(x, 10)) for x in endless] == [10, 10]
            server.kill()
            for address, predictions in zip(addresses, endless, strict=True):
                with pytest.raises(serving.ServerError, match=address) as lost:
                    list(predictions)
                assert lost.value.code == "UNAVAILABLE"
        with model_server.serve(versions, **ports):
            for rows, predictions in zip(received, patiently, strict=True):
                rows += take(predictions, len(CLIPS))
    expected = [expect_probabilities(model, CLIPS)] * 2
    np.testing.assert_allclose(received, expected, atol=1e-5)


@each_protocol
def test_waiting_ends_with_its_timeout(protocol):
    address = f"{model_server.HOST}:{model_server.free_port()}"
    with make_client(address, protocol, timeout=60) as client:
        with pytest.raises(serving.ServerError, match="to be ready") as caught:
            client.wait_until_ready(0.3)
    assert caught.value.code == "UNAVAILABLE"


@each_protocol
def test_closing_ends_a_wait_for_an_unavailable_server(protocol):
    address = f"{model_server.HOST}:{model_server.free_port()}"
    client = make_client(address, protocol, timeout=600)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait_until_ready, 600)
        client.close()
        with pytest.raises((serving.ServerError, ValueError)):
            waiting.result(60)
