"""serving.Client: servers that come late, die and come back."""

import concurrent.futures
import contextlib
import itertools
import types

import numpy as np
import pytest

from ac_keras import serving
from support.serving import model_server
from support.serving import ragged_clips
from support.serving.model_server import MODEL_NAME

pytestmark = pytest.mark.programs

CLIPS = ragged_clips.draw_ragged(40)
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


def free_address():
    return f"{model_server.HOST}:{model_server.free_port()}"


class Watch:
    """Clients of a server that is not there yet, will die and come back."""

    def __init__(self, address, protocol, stack):
        self.address = address
        self.waiting = stack.enter_context(make_client(address, protocol, 60))
        self.impatient = stack.enter_context(make_client(address, protocol, 1))
        self.received, self.error = [], None

    def start(self):
        self._endless = self.impatient.predict(itertools.cycle(CLIPS))
        self._predictions = self.waiting.predict(CLIPS)
        self.before = list(itertools.islice(self._endless, 10))
        self.received += itertools.islice(self._predictions, 10)

    def lose(self):
        with pytest.raises(serving.ServerError) as caught:
            list(self._endless)
        self.error = caught.value

    def finish(self):
        self.received += self._predictions


@pytest.fixture(scope="module")
def watches(versions):
    """By protocol, what clients saw of a server's life."""
    ports = {
        "port": model_server.free_port(),
        "rest_api_port": model_server.free_port(),
    }
    with (
        contextlib.ExitStack() as stack,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
    ):
        addresses = types.SimpleNamespace(process=None, **ports)
        watches = {
            protocol: Watch(
                model_server.ModelServer.address(addresses, protocol),
                protocol,
                stack,
            )
            for protocol in PROTOCOLS
        }
        late = [
            pool.submit(watch.waiting.wait_until_ready, 120)
            for watch in watches.values()
        ]
        with model_server.serve(versions, **ports) as server:
            for future in late:
                future.result()
            for watch in watches.values():
                watch.start()
            server.kill()
            for watch in watches.values():
                watch.lose()
        with model_server.serve(versions, **ports):
            for watch in watches.values():
                watch.finish()
        yield watches


@each_protocol
def test_a_client_waits_for_a_server_that_starts_later(protocol, watches):
    assert len(watches[protocol].before) == 10


@each_protocol
def test_a_server_that_is_killed_is_unavailable(protocol, watches):
    error = watches[protocol].error
    assert error.code == "UNAVAILABLE"
    assert watches[protocol].address in str(error)


@each_protocol
def test_a_server_that_comes_back_goes_on_answering(protocol, watches, model):
    received = [x.probabilities for x in watches[protocol].received]
    expected = ragged_clips.expect_probabilities(model, CLIPS)
    np.testing.assert_allclose(np.stack(received), expected, atol=1e-5)


@each_protocol
def test_waiting_ends_with_its_timeout(protocol):
    with make_client(free_address(), protocol, timeout=60) as client:
        with pytest.raises(serving.ServerError, match="to be ready") as caught:
            client.wait_until_ready(0.3)
    assert caught.value.code == "UNAVAILABLE"


@each_protocol
def test_closing_ends_a_wait_for_an_unavailable_server(protocol):
    client = make_client(free_address(), protocol, timeout=600)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.wait_until_ready, 600)
        client.close()
        with pytest.raises((serving.ServerError, ValueError)):
            waiting.result(60)
