"""A server survives spoilt requests, and tells them from good ones.

`mutated_requests.py` says how they are made, and runs more of them.
"""

import collections

import pytest

from support.requests.mutated_requests import OPEN
from support.requests.mutated_requests import draw_requests
from support.requests.mutated_requests import judge_server

pytestmark = pytest.mark.stress

NUM_REQUESTS = 2000


@pytest.fixture(scope="module")
def judged(model, exported_models, tmp_path_factory):
    """The faults and what came out, with its counts."""
    folder = tmp_path_factory.mktemp("mutated")
    return judge_server(model, exported_models, folder, NUM_REQUESTS, seed=0)


def test_no_request_is_wrongly_answered_or_refused(judged):
    faults, _ = judged
    assert not faults, faults[0]


def test_requests_of_all_kinds_are_among_them(judged):
    _, counts = judged
    by_code, reasons = collections.Counter(), set()
    for outcome, count in counts.items():
        if outcome != OPEN:
            by_code[outcome[0]] += count
            reasons.add(outcome[1])
    assert sum(by_code.values()) == NUM_REQUESTS
    assert by_code["OK"] > NUM_REQUESTS / 4
    assert by_code["INVALID_ARGUMENT"] > NUM_REQUESTS / 4
    assert {"range", "num_frames", "shape", "unparsable"} <= reasons
    assert counts[OPEN] < by_code["OK"] / 20


def test_requests_are_drawn_anew_for_another_seed():
    first, second = (draw_requests(50, seed) for seed in (0, 1))
    assert first == draw_requests(50, 0) != second
