"""Requests that are rejected, each with the reason."""

import re
import types

import numpy as np
import pytest

from ac_keras import serving
from support.requests.bad_requests import CLIPS
from support.requests.bad_requests import DENSE
from support.requests.bad_requests import SHORT
from support.requests.bad_requests import dense_cases
from support.requests.bad_requests import record_cases
from support.requests.bad_requests import vast_cases
from support.requests.good_requests import VIDEOS
from support.requests.good_requests import good_requests
from support.serving.server_answers import answers_of
from support.serving.server_answers import raw_predict

pytestmark = [pytest.mark.programs, pytest.mark.versions]

CASES = {**dense_cases(), **record_cases()}
JOBS = ("animals", "videos", "short")
MOST_GROWTH = 2**29  # bytes; those that are answered would take more


def not_numbers_in_padding():
    inputs = dict(DENSE)
    inputs["rgb"] = inputs["rgb"].copy()
    inputs["rgb"][1, 2] = np.nan, np.inf, -np.inf, 3e38, 0
    inputs["audio"] = np.where(inputs["audio"] == 7, np.nan, inputs["audio"])
    return {
        key: raw_predict(key, inputs)
        for key in ("serving_default", "attention")
    }


@pytest.fixture(scope="module")
def served(model, exported_models, tmp_path_factory):
    """Answers to bad requests, and to good ones before and after them."""
    folder = tmp_path_factory.mktemp("bad")
    versions = dict(exported_models)
    versions["short"] = serving.export_saved_model(
        model, folder / "short", VIDEOS, max_num_frames=SHORT
    )
    vast, padding = vast_cases(), not_numbers_in_padding()
    cases = {**vast, **CASES}
    jobs, names = {}, {}
    for job, version in versions.items():
        good = good_requests(CLIPS, job)
        requests = {f"{key}-before": raw for key, raw in good.items()}
        requests |= {k: raw for k, (j, raw, _) in cases.items() if j == job}
        requests |= {f"{key}-padding": raw for key, raw in padding.items()}
        requests |= {f"{key}-after": raw for key, raw in good.items()}
        names[job], jobs[job] = requests, (version, requests.values())
    answers, _ = answers_of(jobs)
    return types.SimpleNamespace(
        vast=vast,
        **{
            job: dict(zip(names[job], answers[job], strict=True))
            for job in versions
        },
    )


def check_refusal(answer, words):
    unparsable = "Unable to parse" in words
    assert answer.code == ("DATA_LOSS" if unparsable else "INVALID_ARGUMENT")
    assert re.search(words, answer.text, re.DOTALL), answer.text


@pytest.mark.parametrize("name", CASES)
def test_a_bad_request_is_rejected_for_what_is_wrong(name, served):
    job, _, words = CASES[name]
    check_refusal(getattr(served, job)[name], words)


def test_vast_requests_are_rejected_before_they_are_decoded(served):
    for name, (job, _, words) in served.vast.items():
        answers = getattr(served, job)
        check_refusal(answers[name], words)
        names = list(answers)
        before = answers[names[names.index(name) - 1]]
        growth = answers[name].peak_bytes - before.peak_bytes
        assert growth < MOST_GROWTH, name


@pytest.mark.parametrize("key", ["serving_default", "attention"])
def test_padding_may_hold_anything(key, served):
    answer = served.animals[f"{key}-padding"]
    assert answer.code == "OK"
    expected = served.animals[f"{key}-before"].outputs
    np.testing.assert_array_equal(
        answer.outputs["classes"], expected["classes"]
    )
    for name in set(expected) - {"classes"}:
        np.testing.assert_allclose(
            answer.outputs[name], expected[name], atol=1e-6
        )


@pytest.mark.parametrize("job", JOBS)
def test_good_requests_are_answered_after_bad_ones(job, served):
    answers = getattr(served, job)
    for key in good_requests(CLIPS, job):
        before, after = answers[f"{key}-before"], answers[f"{key}-after"]
        assert before.code == after.code == "OK"
        assert before.outputs["scores"].max() > 0.2
        for name, expected in before.outputs.items():
            np.testing.assert_array_equal(after.outputs[name], expected)
