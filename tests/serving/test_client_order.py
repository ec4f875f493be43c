"""serving.Client: parallel requests in order, and repeated requests."""

import concurrent.futures
import itertools
import threading
import types

import pytest

from ac_keras import serving
from ac_keras.serving.client import calls
from support.serving.scripted_server import number_clips
from support.serving.scripted_server import scripted_client

WAIT = 30  # seconds, where something is broken
BAD = {"rgb": [[1.0]]}
AT_ONCE = {  # status of the server, and status over REST
    "INVALID_ARGUMENT": "INVALID_ARGUMENT",
    "NOT_FOUND": "NOT_FOUND",
    "DEADLINE_EXCEEDED": "DEADLINE_EXCEEDED",
    "RESOURCE_EXHAUSTED": "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION": "INVALID_ARGUMENT",
    "INTERNAL": "INTERNAL",
    "UNIMPLEMENTED": "UNIMPLEMENTED",
}


def numbers_of(predictions):
    return [int(prediction.scores[0]) for prediction in predictions]


def test_answers_that_overtake_others_wait_for_their_turn(protocol):
    overtaken = threading.Event()

    def script(number, values):
        if 0 in values:
            assert overtaken.wait(WAIT)
        if 9 in values:  # of the fourth batch
            overtaken.set()

    settings = {"batch_size": 3, "max_in_flight": 4}
    with scripted_client(script, protocol, **settings) as (client, _):
        received = numbers_of(client.predict(number_clips(range(50))))
    assert received == list(range(50))


def test_sequence_examples_go_to_their_signature_in_order(protocol):
    records = [b"\xff" * length for length in range(1, 12)]
    with scripted_client(protocol=protocol, batch_size=4) as (client, _):
        predictions = client.predict_examples(records, sequences=True)
        assert numbers_of(predictions) == list(range(1, 12))


@pytest.mark.parametrize("max_in_flight", [1, 3])
def test_so_many_requests_are_under_way_and_no_more(max_in_flight, protocol):
    together = threading.Barrier(max_in_flight)
    lock, now, most = threading.Lock(), [0], [0]

    def script(number, values):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(WAIT)
        with lock:
            now[0] -= 1

    settings = {"batch_size": 1, "max_in_flight": max_in_flight}
    with scripted_client(script, protocol, **settings) as (client, _):
        clips = number_clips(range(4 * max_in_flight))
        received = numbers_of(client.predict(clips))
    assert received == list(range(4 * max_in_flight))
    assert most == [max_in_flight]


def test_of_endless_clips_only_those_under_way_are_held(protocol):
    drawn = []

    def draw():
        for number in itertools.count():
            drawn.append(number)
            yield number

    settings = {"protocol": protocol, "batch_size": 4, "max_in_flight": 3}
    with scripted_client(**settings) as (client, _):
        predictions = client.predict(number_clips(draw()))
        for number in range(400):
            assert numbers_of([next(predictions)]) == [number]
            assert len(drawn) <= number + 4 * (3 + 1)
        predictions.close()


def test_threads_can_share_a_client(protocol):
    settings = {"protocol": protocol, "batch_size": 2, "max_in_flight": 2}
    with (
        scripted_client(**settings) as (client, _),
        concurrent.futures.ThreadPoolExecutor(4) as pool,
    ):

        def predict(first):
            clips = number_clips(range(first, first + 40))
            return numbers_of(client.predict(clips))

        received = list(pool.map(predict, [0, 100, 200, 300]))
    assert received == [list(range(x, x + 40)) for x in (0, 100, 200, 300)]


class AtOnce(concurrent.futures.Executor):
    """Has every answer when it was asked."""

    def submit(self, function, *arguments):
        future = concurrent.futures.Future()
        future.set_result(function(*arguments))
        return future


def test_what_is_known_does_not_wait_for_more_items():
    seen = []

    def draw():
        for number in range(5):
            assert seen == [10 * x for x in range(number)]
            yield number

    for answer in calls.answers_in_order(
        AtOnce(), lambda x: 10 * x, draw(), max_in_flight=4
    ):
        seen.append(answer)
    assert seen == [0, 10, 20, 30, 40]


def numbers_until(error, message, client, clips):
    """The first numbers of the clips that are predicted before an error."""
    received = []
    with pytest.raises(error, match=message):
        for prediction in client.predict(clips):
            received += numbers_of([prediction])
    return received


def test_the_clips_before_a_bad_one_are_predicted(protocol):
    clips = itertools.chain(number_clips(range(5)), [BAD], number_clips([6]))
    settings = {"protocol": protocol, "batch_size": 2, "max_in_flight": 2}
    with scripted_client(**settings) as (client, _):
        message = "'rgb' of clip 5"
        received = numbers_until(ValueError, message, client, clips)
    assert received == list(range(5))


def test_the_batches_before_a_rejected_one_are_predicted(protocol):
    def script(number, values):
        return "INVALID_ARGUMENT" if 7 in values else None

    settings = {"batch_size": 3, "max_in_flight": 4}
    message = "signature 'serving_default' for clips 6 to 8, which"
    with scripted_client(script, protocol, **settings) as (client, version):
        clips = number_clips(range(300))
        received = numbers_until(serving.ServerError, message, client, clips)
    assert received == list(range(6))
    assert version.num_requests <= 3 + 4  # No more are sent afterwards.


def test_an_error_of_the_source_is_raised_after_its_clips():
    def draw():
        yield 3
        raise OSError("the disk is gone")

    message, clips = "the disk is gone", number_clips(draw())
    with scripted_client() as (client, _):
        assert numbers_until(OSError, message, client, clips) == [3]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(calls, "LONGEST_PAUSE", 0.01)


def predict_two(script, protocol, timeout=30.0):
    """The numbers of two clips or the error's code, and that of requests."""
    with scripted_client(script, protocol, timeout=timeout) as (client, served):
        try:
            outcome = numbers_of(client.predict(number_clips([5, 6])))
        except serving.ServerError as error:
            outcome = error
        return outcome, served.num_requests


def test_an_unavailable_server_is_asked_again(protocol):
    def script(number, values):
        return "UNAVAILABLE" if number < 4 else None

    assert predict_two(script, protocol) == ([5, 6], 5)


@pytest.mark.parametrize("code", AT_ONCE)
def test_every_other_status_is_raised_at_once(code, protocol):
    error, num_requests = predict_two(lambda number, values: code, protocol)
    assert error.code == (AT_ONCE[code] if protocol == "rest" else code)
    assert f"scripted {code}" in str(error)
    assert num_requests == 1


def test_the_attempts_end_with_the_timeout(protocol):
    error, num_requests = predict_two(
        lambda number, values: "UNAVAILABLE", protocol, timeout=0.5
    )
    assert error.code == "UNAVAILABLE"
    assert num_requests > 2


def test_a_server_that_does_not_answer_in_time_is_given_up(protocol):
    given_up = threading.Event()

    def script(number, values):
        given_up.wait(WAIT)

    with scripted_client(script, protocol, timeout=0.5) as (client, version):
        with pytest.raises(serving.ServerError) as caught:
            list(client.predict(number_clips([5])))
        given_up.set()
        assert version.num_requests == 1
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert "Received: DEADLINE_EXCEEDED: " in str(caught.value)


def test_pauses_double_up_to_a_bound_and_are_randomized(monkeypatch):
    pauses, drawn = [], iter([1.0, 0.5, 1.0, 0.75, 1.0])
    monkeypatch.setattr(calls, "FIRST_PAUSE", 1.0)
    monkeypatch.setattr(calls, "LONGEST_PAUSE", 4.0)
    random = types.SimpleNamespace(uniform=lambda a, b: next(drawn))
    monkeypatch.setattr(calls, "random", random)

    class Stopped:
        def wait(self, seconds):
            pauses.append(seconds)
            return len(pauses) == 5

    def reject(seconds):
        raise calls.StatusError("UNAVAILABLE", "busy")

    with pytest.raises(calls.StatusError):
        calls.call_with_retries(reject, 100, Stopped())
    assert pauses == [1.0, 1.0, 4.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "seconds_left, code", [(4, "UNAVAILABLE"), (6, "DEADLINE_EXCEEDED")]
)
def test_a_last_attempt_without_time_does_not_hide_why(
    seconds_left, code, monkeypatch
):
    clock = iter([0, 0, 1, 10 - seconds_left])
    time = types.SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr(calls, "time", time)
    never_stopped = types.SimpleNamespace(wait=lambda seconds: False)
    codes = iter(["UNAVAILABLE", "DEADLINE_EXCEEDED"])

    def reject(seconds):
        raise calls.StatusError(next(codes), "any")

    with pytest.raises(calls.StatusError) as caught:
        calls.call_with_retries(reject, 10, never_stopped)
    assert caught.value.code == code
