"""Requests made from good ones by mutation, and whether a server errs.

    python tests/serving/mutated_requests.py --num_requests=100000 --seed=1

A tensor may be told in a few bytes and be vast: one value stands for all
elements. A server allocates it before it runs a model, so that no model can
refuse it, and so might a reader of this kind die of it: tensors here have at
most 2**16 elements, or 2**48 and more, which no machine allocates.
"""

import argparse
import collections
import math
import pathlib
import random
import tempfile

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import classification_pb2
from tensorflow_serving.apis import predict_pb2

from support.requests.expected_answers import expected_answer
from support.requests.float64_classifier import Float64Classifier
from support.requests.good_requests import DESCRIPTIONS
from support.requests.good_requests import draw_clips
from support.requests.good_requests import export_models
from support.requests.good_requests import good_requests
from support.requests.judged_answers import fault
from support.requests.judged_answers import undetermined
from support.requests.request_mutations import NAMES
from support.requests.request_mutations import spoil_bytes
from support.requests.request_mutations import spoil_example
from support.requests.request_mutations import spoil_names
from support.requests.request_mutations import spoil_shape
from support.requests.request_mutations import spoil_values
from support.serving.served_classifier import make_classifier
from support.serving.server_answers import answers_of

MOST_ELEMENTS = 2**16
VAST = 2**48
OPEN = "not determined by float32"


def draw_requests(num_requests, seed):
    """Gives mutated requests by job, equal for equal arguments."""
    rng = random.Random(seed)
    good = _good_requests(seed)
    requests = {job: [] for job in DESCRIPTIONS}
    while sum(map(len, requests.values())) < num_requests:
        job = rng.choice(sorted(requests))
        key = rng.choice(sorted(good[job]))
        raw = rng.choice(good[job][key])
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            other = rng.choice(good[job][rng.choice(sorted(good[job]))])
            raw = _spoil(rng, raw, other)
        if _can_be_held(raw):
            requests[job].append(raw)
    return requests


def _good_requests(seed):
    """Some by job and signature, of few clips and of none without frames."""
    rng = np.random.default_rng(seed)
    good = {job: collections.defaultdict(list) for job in DESCRIPTIONS}
    for _ in range(40):
        clips = draw_clips(rng, int(rng.integers(1, 4)))
        for job, requests in good.items():
            for key, raw in good_requests(
                clips, job, int(rng.integers(3))
            ).items():
                requests[key].append(raw)
    return good


def _spoil(rng, raw, other):
    letter, raw, other = raw[:1], raw[1:], other[1:]
    way = rng.random()
    if way < 0.2:
        return letter + spoil_bytes(rng, raw, other)
    kind = predict_pb2.PredictRequest
    if letter == b"C":
        kind = classification_pb2.ClassificationRequest
    try:
        request = kind.FromString(raw)
    except DecodeError:
        return letter + raw
    if letter == b"C":
        _spoil_classification(rng, request)
        return letter + request.SerializeToString()
    if way < 0.3 or not request.inputs:
        spoil_names(rng, request)
        return letter + request.SerializeToString()
    tensor = request.inputs[rng.choice(sorted(request.inputs))]
    if tensor.string_val and rng.random() < 0.8:
        _spoil_record(rng, tensor.string_val, request)
    else:
        rng.choice((spoil_shape, spoil_values))(rng, tensor)
    return letter + request.SerializeToString()


def _spoil_record(rng, records, request):
    row = rng.randrange(len(records))
    other = rng.choice(records)
    kind = tf.train.Example
    if "sequence" in request.model_spec.signature_name:
        kind = tf.train.SequenceExample
    way = rng.random()
    if way < 0.3:
        records[row] = spoil_bytes(rng, records[row], other)
    elif way < 0.4:
        records[row] += other  # Protobuf merges the two.
    else:
        records[row] = spoil_example(rng, records[row], kind)


def _spoil_classification(rng, request):
    examples = request.input.example_list.examples
    if rng.random() < 0.1:
        request.model_spec.signature_name = rng.choice(NAMES)
    elif rng.random() < 0.1:
        # Examples with a context, which stands before each.
        given = list(examples)
        contextual = request.input.example_list_with_context
        contextual.examples.extend(given)
        if given:
            contextual.context.CopyFrom(rng.choice(given))
    elif examples:
        row = rng.randrange(len(examples))
        record = examples[row].SerializeToString()
        record = spoil_example(rng, record, tf.train.Example)
        examples[row].ParseFromString(record)


def _can_be_held(raw):
    if raw[:1] == b"C":
        return True
    try:
        request = predict_pb2.PredictRequest.FromString(raw[1:])
    except DecodeError:
        return True
    sizes = [
        math.prod(max(dim.size, 0) for dim in tensor.tensor_shape.dim)
        for tensor in request.inputs.values()
    ]
    return all(size <= MOST_ELEMENTS or size >= VAST for size in sizes)


def judge_server(model, versions, folder, num_requests, seed):
    """Sends mutated requests to a server of both models.

    Returns:
        The faults, each with job and request, and how often what came out.
    """
    requests = draw_requests(num_requests, seed)
    jobs = {job: (versions[job], requests[job]) for job in requests}
    answers = answers_of(folder / "answers", jobs)
    classifier = Float64Classifier(model)
    faults, counts = [], collections.Counter()
    for job, raws in requests.items():
        for raw, answer in zip(raws, answers[job], strict=True):
            expected = expected_answer(raw, job)
            wrong = fault(answer, expected, classifier)
            if wrong:
                faults.append((wrong, job, raw, answer.text))
            counts[answer.code, expected.reason] += 1
            counts["not determined by float32"] += undetermined(
                expected, classifier
            )
    return faults, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, folder = make_classifier(), pathlib.Path(folder)
        faults, counts = judge_server(
            model,
            export_models(model, folder),
            folder,
            flags.num_requests,
            flags.seed,
        )
    for outcome, count in counts.most_common():
        print(f"{count:7} {outcome}")
    for wrong, job, raw, text in faults[:20]:
        print(wrong, job, raw, text[:300], sep="\n  ")
    print(f"{len(faults)} faults")
    return bool(faults)


if __name__ == "__main__":
    raise SystemExit(main())
