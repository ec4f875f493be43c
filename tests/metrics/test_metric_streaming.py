"""Batches of any size, and more videos than the memory holds."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics import metric_definitions
from support.metrics.scored_videos import scored_videos

NUM_CLASSES = 6
MAKERS = {
    "hit": HitAtOne,
    "perr": PrecisionAtEqualRecallRate,
    "gap": lambda: GlobalAveragePrecision(3),
    "map": lambda: MeanAveragePrecision(NUM_CLASSES),
}


def feed(metric, labels, scores, batch_size):
    update = tf.function(metric.update_state, reduce_retracing=True)
    for start in range(0, len(labels), batch_size):
        part = slice(start, start + batch_size)
        update(tf.constant(labels[part]), tf.constant(scores[part]))
    return float(metric.result())


def memory_of(metric):
    return [tuple(variable.shape) for variable in metric.variables]


def plain_average_precision(hits, scores):
    """For scores that are all different."""
    hits = np.float64(hits)[np.argsort(-scores)]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return (hits * precisions).sum() / hits.sum()


@pytest.fixture(scope="module")
def many_videos():
    """Classes that 2 in 1,000 to 4 in 10 videos have."""
    rng = np.random.default_rng(0)
    rates = np.geomspace(0.002, 0.4, NUM_CLASSES)
    labels = rng.random((25_600, NUM_CLASSES)) < rates
    scores = rng.normal(size=labels.shape) + 2 * labels
    return labels.astype("float32"), scores.astype("float32")


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("levels", [0, 4])
def test_batches_of_any_size_give_the_same(name, levels):
    rng = np.random.default_rng(1)
    videos = scored_videos(rng, 90, NUM_CLASSES, levels=levels)
    whole = feed(MAKERS[name](), *videos, batch_size=90)
    assert 0.1 < whole < 0.9
    for batch_size in (1, 7, 64):
        received = feed(MAKERS[name](), *videos, batch_size)
        assert received == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("name", ["gap", "map"])
def test_the_order_of_videos_does_not_matter(name):
    rng = np.random.default_rng(2)
    labels, scores = scored_videos(rng, 90, NUM_CLASSES, levels=4)
    order = rng.permutation(90)
    received = feed(MAKERS[name](), labels[order], scores[order], 16)
    expected = feed(MAKERS[name](), labels, scores, 16)
    assert received == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("order", ["random", "worst first", "best first"])
@pytest.mark.parametrize("batch_size", [50, 1000])
def test_fifty_times_the_capacity_is_off_by_less_than_a_thousandth(
    many_videos, order, batch_size
):
    labels, scores = many_videos
    if order != "random":
        by_score = np.argsort(scores.mean(axis=1))
        by_score = by_score[::-1] if order == "best first" else by_score
        labels, scores = labels[by_score], scores[by_score]
    metric = MeanAveragePrecision(NUM_CLASSES, capacity=512)
    before = memory_of(metric)
    received = feed(metric, labels, scores, batch_size)
    expected = [
        plain_average_precision(*pair)
        for pair in zip(labels.T, scores.T, strict=True)
    ]
    assert received == pytest.approx(np.mean(expected), abs=1e-3)
    assert memory_of(metric) == before


@pytest.mark.parametrize("batch_size", [16, 700])  # 48 entries or 2100
def test_fifty_times_the_pool_is_off_by_less_than_a_thousandth(
    many_videos, batch_size
):
    labels, scores = many_videos
    metric = GlobalAveragePrecision(3, capacity=1536)
    before = memory_of(metric)
    received = feed(metric, labels, scores, batch_size)
    best = np.argsort(-scores, axis=1)[:, :3]
    hits = np.take_along_axis(labels, best, 1).ravel()
    pool = np.take_along_axis(scores, best, 1).ravel()
    share = hits.sum() / labels.sum()
    expected = plain_average_precision(hits, pool) * share
    assert received == pytest.approx(expected, abs=1e-3)
    assert memory_of(metric) == before


def test_merging_loses_neither_a_video_nor_a_hit(many_videos):
    labels, scores = many_videos
    metric = MeanAveragePrecision(NUM_CLASSES, capacity=100)
    feed(metric, labels[:5000], scores[:5000], 30)
    groups = {x.name: np.array(x) for x in metric.variables}
    assert (groups["totals"].sum(axis=(0, 1)) == 5000).all()
    hits = groups["hits"].sum(axis=(0, 1))
    np.testing.assert_array_equal(hits, labels[:5000].sum(axis=0))


def test_a_capacity_of_as_many_videos_is_exact():
    labels, scores = scored_videos(np.random.default_rng(3), 64, NUM_CLASSES)
    metric = MeanAveragePrecision(NUM_CLASSES, capacity=64)
    received = feed(metric, labels, scores, 8)
    expected = metric_definitions.mean_average_precision(labels, scores)
    assert received == pytest.approx(expected, abs=1e-6)


def test_equal_scores_stay_equal_when_merged():
    """All orders of equals are as likely, so all groups are one."""
    labels = np.zeros((400, 1), "float32")
    labels[::4] = 1
    metric = MeanAveragePrecision(1, capacity=32)
    received = feed(metric, labels, np.full((400, 1), 0.3, "float32"), 20)
    expected = metric_definitions.mean_average_precision(
        labels, np.full((400, 1), 0.3)
    )
    assert received == pytest.approx(expected, abs=1e-6)
