"""serving.Client: what is sent again, until when, and what is not."""

import threading
import types

import pytest

from ac_keras import serving
from ac_keras.serving.client import calls
from support.serving.scripted_server import MODEL_NAME
from support.serving.scripted_server import number_clips
from support.serving.scripted_server import serve_script

AT_ONCE = {  # what the server says, and what REST makes of it
    "INVALID_ARGUMENT": "INVALID_ARGUMENT",
    "NOT_FOUND": "NOT_FOUND",
    "DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED": "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION": "INVALID_ARGUMENT",
    "INTERNAL": "INTERNAL",
    "UNIMPLEMENTED": "UNIMPLEMENTED",
}


@pytest.fixture(params=["grpc", "rest"])
def protocol(request):
    return request.param


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(calls, "LONGEST_PAUSE", 0.01)


def predict(server, protocol, timeout=30.0):
    address = server.address(protocol)
    settings = {"protocol": protocol, "timeout": timeout}
    with serving.Client(address, MODEL_NAME, **settings) as client:
        return list(client.predict(number_clips([5, 6])))


def test_an_unavailable_server_is_asked_again(protocol):
    def script(number, values):
        return "UNAVAILABLE" if number < 4 else None

    with serve_script(script) as server:
        predictions = predict(server, protocol)
        assert server.version.num_requests == 5
    assert [float(x.scores[0]) for x in predictions] == [5, 6]


@pytest.mark.parametrize("code", AT_ONCE)
def test_every_other_status_is_raised_at_once(code, protocol):
    with serve_script(lambda number, values: code) as server:
        with pytest.raises(serving.ServerError) as caught:
            predict(server, protocol)
        assert server.version.num_requests == 1
    over_rest = protocol == "rest"
    assert caught.value.code == (AT_ONCE[code] if over_rest else code)
    assert f"scripted {code}" in str(caught.value)


def test_the_attempts_end_with_the_timeout(protocol):
    with serve_script(lambda number, values: "UNAVAILABLE") as server:
        with pytest.raises(serving.ServerError) as caught:
            predict(server, protocol, timeout=0.5)
        assert server.version.num_requests > 2
    assert caught.value.code == "UNAVAILABLE"


def test_a_server_that_does_not_answer_in_time_is_given_up(protocol):
    given_up = threading.Event()
    with serve_script(lambda number, values: given_up.wait(30) and None) as x:
        try:
            with pytest.raises(serving.ServerError) as caught:
                predict(x, protocol, timeout=0.5)
        finally:
            given_up.set()
        assert x.version.num_requests == 1
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert "Received: DEADLINE_EXCEEDED: " in str(caught.value)


def test_pauses_double_up_to_a_bound_and_are_randomised(monkeypatch):
    pauses, drawn = [], iter([1.0, 0.5, 1.0, 0.75, 1.0])
    monkeypatch.setattr(calls, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(calls, "LONGEST_PAUSE", 4.0)
    random = types.SimpleNamespace(uniform=lambda a, b: next(drawn))
    monkeypatch.setattr(calls, "random", random)

    class Stopped:
        def wait(self, seconds):
            pauses.append(seconds)
            return len(pauses) == 5

    def refuse(seconds):
        raise calls.StatusError("UNAVAILABLE", "busy")

    with pytest.raises(calls.StatusError):
        calls.call_with_retries(refuse, 100, Stopped())
    assert pauses == [1.0, 1.0, 4.0, 3.0, 4.0]


class NeverStopped:
    """Waits for no time at all."""

    @staticmethod
    def wait(seconds):
        return False


@pytest.mark.parametrize(
    "seconds_left, code", [(4, "UNAVAILABLE"), (6, "DEADLINE_EXCEEDED")]
)
def test_a_last_attempt_without_time_does_not_hide_why(
    seconds_left, code, monkeypatch
):
    clock = iter([0, 0, 1, 10 - seconds_left])
    time = types.SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr(calls, "time", time)
    codes = iter(["UNAVAILABLE", "DEADLINE_EXCEEDED"])

    def refuse(seconds):
        raise calls.StatusError(next(codes), "any")

    with pytest.raises(calls.StatusError) as caught:
        calls.call_with_retries(refuse, 10, NeverStopped())
    assert caught.value.code == code
