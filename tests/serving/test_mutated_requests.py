"""A server survives mutated requests, and rejects the invalid ones.

    NUM_REQUESTS=100000 SEED=1 pytest tests/serving/test_mutated_requests.py

sends more of them.
"""

import collections
import os

import pytest

from support.requests.expected_answers import expected_answer
from support.requests.judged_answers import Float64Classifier
from support.requests.judged_answers import fault
from support.requests.judged_answers import undetermined
from support.requests.mutated_requests import draw_requests
from support.serving.server_answers import answers_of

pytestmark = pytest.mark.stress

NUM_REQUESTS = int(os.environ.get("NUM_REQUESTS", 2000))
SEED = int(os.environ.get("SEED", 0))


def test_mutated_requests_of_all_kinds_are_rightly_answered_or_rejected(
    model, exported_models
):
    requests = draw_requests(NUM_REQUESTS, SEED)
    answers, _ = answers_of(
        {job: (exported_models[job], raws) for job, raws in requests.items()}
    )
    classifier = Float64Classifier(model)
    codes, reasons, num_undetermined = collections.Counter(), set(), 0
    for job, raws in requests.items():
        for raw, answer in zip(raws, answers[job], strict=True):
            expected = expected_answer(raw, job)
            wrong = fault(answer, expected, classifier)
            assert not wrong, (wrong, job, raw, answer.text)
            codes[answer.code] += 1
            reasons.add(expected.reason)
            num_undetermined += undetermined(expected, classifier)
    assert codes.total() == NUM_REQUESTS
    assert codes["OK"] > NUM_REQUESTS / 4
    assert codes["INVALID_ARGUMENT"] > NUM_REQUESTS / 4
    assert {"range", "num_frames", "shape", "unparsable"} <= reasons
    assert num_undetermined < codes["OK"] / 20


def test_another_seed_gives_other_requests():
    first, second = (draw_requests(50, seed) for seed in (0, 1))
    assert first == draw_requests(50, 0) != second
