"""Prints JSON of all metrics, by way of updating, on the backend set."""

import json

import keras
import numpy as np

from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from support.metrics.metric_definitions import make_metrics
from support.metrics.metric_definitions import scored_videos

NUM_CLASSES, NUM_VIDEOS, BATCH_SIZE = 40, 130, 20


def make_all():
    # Merges often, and at once in a batch above its capacity.
    merged = MeanAveragePrecision(NUM_CLASSES, capacity=16, name="merged")
    return [*make_metrics(NUM_CLASSES, 5, 1000, 200), merged]


def update_plainly(metrics, batches):
    for labels, scores in batches:
        for metric in metrics:
            metric.update_state(labels, scores)
    return {metric.name: float(metric.result()) for metric in metrics}


def update_statelessly(metrics, batches):
    results = {}
    for metric in metrics:
        state = metric.stateless_reset_state()
        for labels, scores in batches:
            state = metric.stateless_update_state(state, labels, scores)
        results[metric.name] = float(metric.stateless_result(state))
        assert float(metric.result()) == 0.0  # It was left alone.
    return results


def evaluate(metrics, labels, scores):
    identity = keras.layers.Activation("linear")
    model = keras.Sequential([keras.Input((NUM_CLASSES,)), identity])
    model.compile(loss="mse", metrics=metrics)
    return model.evaluate(
        scores, labels, batch_size=BATCH_SIZE, return_dict=True, verbose=0
    )


def main():
    rng = np.random.default_rng(0)
    labels, scores = scored_videos(rng, NUM_VIDEOS, NUM_CLASSES, levels=20)
    labels[0] = 1.0  # More labels than PERR expects of nearly all videos.
    ends = range(BATCH_SIZE, NUM_VIDEOS, BATCH_SIZE)
    parts = [np.split(x, ends) for x in (labels, scores)]
    batches = list(zip(*parts, strict=True))
    accuracy = PerClassAccuracy(NUM_CLASSES)
    accuracy.update_state(labels.argmax(axis=1), scores)
    result = {
        "backend": keras.backend.backend(),
        "plainly": update_plainly(make_all(), batches),
        "statelessly": update_statelessly(make_all(), batches),
        "evaluate": evaluate(make_all(), labels, scores),
        "accuracy": float(accuracy.result()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
