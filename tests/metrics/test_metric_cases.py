"""Ten thousand random cases against the definitions."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics import metric_definitions
from support.metrics.scored_videos import in_batches
from support.metrics.scored_videos import scored_videos

NUM_CASES = 1000  # for each of SETTINGS
SETTINGS = [  # classes, of which enter the pool, different scores
    (1, 1, 0),
    (2, 1, 3),
    (3, 2, 0),
    (4, 20, 2),
    (5, 3, 6),
    (8, 4, 0),
    (8, 20, 3),
    (12, 5, 8),
    (20, 20, 1),
    (40, 20, 6),
]


class Metrics:
    """All metrics, run over many cases within one compiled function."""

    def __init__(self, num_classes, top_k):
        self.multi_label = [
            HitAtOne(),
            PrecisionAtEqualRecallRate(),
            GlobalAveragePrecision(top_k, capacity=1024),
            MeanAveragePrecision(num_classes, capacity=64),
        ]
        self.single_label = PerClassAccuracy(num_classes)

    @tf.function
    def run(self, labels, scores, classes, ends, is_last):
        """Gives the values at each batch that is a case's last."""
        values = tf.TensorArray("float32", 0, True, element_shape=(5,))
        start = 0
        for batch in tf.range(len(ends)):
            part = slice(start, ends[batch])
            for metric in self.multi_label:
                metric.update_state(labels[part], scores[part])
            self.single_label.update_state(classes[part], scores[part])
            if is_last[batch]:
                values = values.write(values.size(), self.take_values())
            start = ends[batch]
        return values.stack()

    def take_values(self):
        metrics = [*self.multi_label, self.single_label]
        values = tf.stack([metric.result() for metric in metrics])
        for metric in metrics:
            metric.reset_state()
        return values


def make_cases(num_classes, levels):
    """Labels, scores, classes and batches of each case."""
    rng = np.random.default_rng(num_classes * 100 + levels)
    for _ in range(NUM_CASES):
        num_videos = rng.integers(1, 13)
        rate = rng.choice([0.1, 0.5])
        videos = scored_videos(rng, num_videos, num_classes, rate, levels)
        classes = rng.integers(0, num_classes, num_videos)
        yield *videos, classes, in_batches(rng, num_videos)


def expected_values(labels, scores, classes, top_k):
    labels, scores = labels.astype("float64"), scores.astype("float64")
    return [
        metric_definitions.hit_at_one(labels, scores),
        metric_definitions.equal_recall_precision(labels, scores),
        metric_definitions.global_average_precision(labels, scores, top_k),
        metric_definitions.mean_average_precision(labels, scores),
        metric_definitions.per_class_accuracy(classes, scores),
    ]


@pytest.mark.parametrize("num_classes, top_k, levels", SETTINGS)
def test_every_random_case_is_as_defined(num_classes, top_k, levels):
    cases = list(make_cases(num_classes, levels))
    labels, scores, classes, batches = zip(*cases, strict=True)
    sizes = [b.stop - b.start for case in batches for b in case]
    is_last = [b is case[-1] for case in batches for b in case]
    metrics = Metrics(num_classes, top_k)
    received = metrics.run(
        *(np.concatenate(x) for x in (labels, scores, classes)),
        np.cumsum(sizes, dtype="int32"),
        np.array(is_last),
    )
    expected = np.array([expected_values(*x[:3], top_k) for x in cases])
    assert len(expected) == NUM_CASES
    assert expected[:, :4].std(axis=0).min() > 0.05  # They differ.
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-6)


def test_there_are_ten_thousand_cases():
    assert len(SETTINGS) * NUM_CASES == 10_000
