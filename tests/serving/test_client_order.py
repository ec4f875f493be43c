"""serving.Client: many requests under way, predictions in the clips' order."""

import concurrent.futures
import itertools
import threading

import pytest

from ac_keras import serving
from ac_keras.serving.client import calls
from support.serving.scripted_server import MODEL_NAME
from support.serving.scripted_server import number_clips
from support.serving.scripted_server import serve_script

WAIT = 30  # seconds, where something is broken
BAD = {"rgb": [[1.0]]}


def make_client(server, protocol="grpc", **settings):
    address = server.address(protocol)
    return serving.Client(address, MODEL_NAME, protocol=protocol, **settings)


def numbers_of(predictions):
    return [int(prediction.scores[0]) for prediction in predictions]


@pytest.fixture(params=["grpc", "rest"])
def protocol(request):
    return request.param


def test_answers_that_overtake_others_wait_for_their_turn(protocol):
    overtaken = threading.Event()

    def script(number, values):
        if 0 in values:
            assert overtaken.wait(WAIT)
        if 9 in values:  # of the fourth batch
            overtaken.set()

    with serve_script(script) as server:
        settings = {"batch_size": 3, "max_in_flight": 4}
        with make_client(server, protocol, **settings) as client:
            received = numbers_of(client.predict(number_clips(range(50))))
    assert received == list(range(50))


def test_sequence_examples_go_to_their_signature_in_order(protocol):
    records = [b"\xff" * length for length in range(1, 12)]
    with serve_script(lambda number, values: None) as server:
        with make_client(server, protocol, batch_size=4) as client:
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

    with serve_script(script) as server:
        settings = {"batch_size": 1, "max_in_flight": max_in_flight}
        with make_client(server, protocol, **settings) as client:
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

    with serve_script(lambda number, values: None) as server:
        settings = {"batch_size": 4, "max_in_flight": 3}
        with make_client(server, protocol, **settings) as client:
            predictions = client.predict(number_clips(draw()))
            for number, prediction in zip(
                range(400), predictions, strict=False
            ):
                assert int(prediction.scores[0]) == number
                assert len(drawn) <= number + 4 * (3 + 1)
            predictions.close()


def test_threads_can_share_a_client(protocol):
    with serve_script(lambda number, values: None) as server:
        settings = {"batch_size": 2, "max_in_flight": 2}
        with (
            make_client(server, protocol, **settings) as client,
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


def test_the_clips_before_a_bad_one_are_predicted(protocol):
    clips = itertools.chain(number_clips(range(5)), [BAD], number_clips([6]))
    received = []
    with serve_script(lambda number, values: None) as server:
        settings = {"batch_size": 2, "max_in_flight": 2}
        with make_client(server, protocol, **settings) as client:
            with pytest.raises(ValueError, match="'rgb' of clip 5"):
                for prediction in client.predict(clips):
                    received += numbers_of([prediction])
    assert received == list(range(5))


def test_the_batches_before_a_refused_one_are_predicted(protocol):
    def script(number, values):
        return "INVALID_ARGUMENT" if 7 in values else None

    received = []
    with serve_script(script) as server:
        settings = {"batch_size": 3, "max_in_flight": 4}
        with make_client(server, protocol, **settings) as client:
            message = "signature 'serving_default' for clips 6 to 8, which"
            with pytest.raises(serving.ServerError, match=message):
                for prediction in client.predict(number_clips(range(30))):
                    received += numbers_of([prediction])
    assert received == list(range(6))


def test_after_a_refused_batch_no_more_are_sent():
    def script(number, values):
        return "INVALID_ARGUMENT" if 0 in values else None

    with serve_script(script) as server:
        settings = {"batch_size": 1, "max_in_flight": 2}
        with make_client(server, **settings) as client:
            with pytest.raises(serving.ServerError):
                list(client.predict(number_clips(range(100))))
        assert server.version.num_requests <= 3


def test_an_error_of_the_source_is_raised_after_its_clips():
    def draw():
        yield 3
        raise OSError("the disk is gone")

    received = []
    with serve_script(lambda number, values: None) as server:
        with make_client(server) as client:
            with pytest.raises(OSError, match="the disk is gone"):
                for prediction in client.predict(number_clips(draw())):
                    received += numbers_of([prediction])
    assert received == [3]
