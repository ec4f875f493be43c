"""Arguments, configurations, batches and memory of the metrics."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics.metric_definitions import defined_values
from support.metrics.metric_definitions import scored_videos

MAKERS = {
    "hit": HitAtOne,
    "perr": PrecisionAtEqualRecallRate,
    "gap": GlobalAveragePrecision,
    "map": lambda: MeanAveragePrecision(3),
}
ZEROS = np.zeros((2, 3), "float32")
parametrize = pytest.mark.parametrize


def shapes_of(metric):
    return [tuple(x.shape) for x in metric.variables]


def message(expected, received):
    return rf"(?s)expects.*{expected}.*Received: .*{received}.*\. .+\."


@parametrize("name", MAKERS)
@parametrize("label_dtype", ["bool", "int64", "float16"])
@parametrize("score_dtype", ["float16", "bfloat16", "float64"])
def test_any_mixture_of_dtypes_gives_the_same(name, label_dtype, score_dtype):
    videos = scored_videos(np.random.default_rng(0), 30, 3, levels=20)
    expected, metric = MAKERS[name](), MAKERS[name]()
    expected.update_state(*videos)
    labels = keras.ops.cast(videos[0], label_dtype)
    metric.update_state(labels, keras.ops.cast(videos[1], score_dtype))
    assert float(metric.result()) == float(expected.result()) > 0.1


@parametrize("name", ["hit", "perr"])
def test_weights_repeat_a_video_or_leave_it_out(name):
    labels, scores = scored_videos(np.random.default_rng(1), 20, 3)
    scores[5] = np.nan
    weights = np.arange(20) % 3
    weights[5] = 0
    metric, repeated = MAKERS[name](), MAKERS[name]()
    metric.update_state(labels, scores, sample_weight=weights[:, None])
    repeated.update_state(
        *(x.repeat(weights, axis=0) for x in (labels, scores))
    )
    assert 0.1 < float(metric.result()) < 0.9
    assert float(metric.result()) == pytest.approx(float(repeated.result()))


@parametrize("name", MAKERS)
@parametrize("place", [(0, 0), (4, 2)])
def test_a_nan_score_makes_the_result_nan_until_reset(name, place):
    labels, scores = np.ones((5, 3)), np.random.random((5, 3))
    metric = MAKERS[name]()
    broken = scores.copy()
    broken[place] = np.nan
    metric.update_state(labels, broken)
    metric.update_state(labels, scores)
    assert np.isnan(float(metric.result()))
    if name == "map":
        assert np.isnan(metric.average_precisions()).all()
    metric.reset_state()
    metric.update_state(labels, scores)
    assert float(metric.result()) == 1.0


@parametrize("name", ["gap", "map"])
def test_infinite_scores_are_ranked(name):
    labels, scores = scored_videos(np.random.default_rng(2), 30, 3, levels=6)
    scores[scores == scores.max()] = np.inf
    scores[scores <= -1] = -np.inf
    metric = MAKERS[name]()
    metric.update_state(labels, scores)
    expected = defined_values(labels, scores, 20)[name]
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


@parametrize("name", MAKERS)
@parametrize(
    "labels, scores, expected, received",
    [
        (ZEROS[0], ZEROS, "y_true", r"y_true.shape=\(3,\)"),
        (ZEROS[:, :2], ZEROS, "y_true", r"y_true.shape=\(2, 2\)"),
        (ZEROS[:1], ZEROS, "y_true", r"y_true.shape=\(1, 3\)"),
        (ZEROS, ZEROS[0], "y_pred", r"y_pred.shape=\(3,\)"),
        (ZEROS, ZEROS.astype(int), "floating", "y_pred.dtype=int"),
    ],
)
def test_other_shapes_and_dtypes_are_rejected(
    name, labels, scores, expected, received
):
    with pytest.raises(ValueError, match=message(expected, received)):
        MAKERS[name]().update_state(labels, scores)


@parametrize(
    "metric, labels, weights, expected, received",
    [
        (GlobalAveragePrecision(), ZEROS, [1, 1], "no sample_weight", "list"),
        (MeanAveragePrecision(3), ZEROS, [1, 1], "no sample_weight", "list"),
        (HitAtOne(), ZEROS, [1, 1, 1], "batch=2", r"\(3,\)"),
        (PrecisionAtEqualRecallRate(), ZEROS, [1] * 3, "batch=2", r"\(3,\)"),
        (MeanAveragePrecision(4), ZEROS, None, "4", r"\(2, 3\)"),
        (PerClassAccuracy(4), [0, 0], None, "4", r"\(2, 3\)"),
        (PerClassAccuracy(3), [0, 1, 2], None, "", ""),
        (PerClassAccuracy(3), [[0, 1]], None, "", ""),
        (PerClassAccuracy(3), 0, None, "", ""),
    ],
)
def test_updates_that_do_not_fit_the_metric_are_rejected(
    metric, labels, weights, expected, received
):
    with pytest.raises(ValueError, match=message(expected, received)):
        metric.update_state(labels, ZEROS, sample_weight=weights)


@parametrize(
    "make, argument",
    [
        (GlobalAveragePrecision, {"top_k": 0}),
        (GlobalAveragePrecision, {"capacity": 1}),
        (MeanAveragePrecision, {"num_classes": 0}),
        (PerClassAccuracy, {"num_classes": 0}),
    ],
)
def test_arguments_that_make_no_metric_are_rejected(make, argument):
    (received,) = (f"{name}={value}" for name, value in argument.items())
    with pytest.raises(ValueError, match=message("", received)):
        make(**argument)


@parametrize(
    "metric",
    [
        HitAtOne(name="a"),
        PrecisionAtEqualRecallRate(name="b"),
        GlobalAveragePrecision(5, capacity=64, step_results=False, name="c"),
        MeanAveragePrecision(3, capacity=64, step_results=False, name="d"),
        PerClassAccuracy(3, name="e"),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_a_metric_is_made_again_from_its_configuration(metric):
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()
    assert shapes_of(again) == shapes_of(metric)


NUM_CLASSES = 6
STREAMED = {
    **MAKERS,
    "gap": functools.partial(GlobalAveragePrecision, 3),
    "map": functools.partial(MeanAveragePrecision, NUM_CLASSES),
}


def feed(metric, labels, scores, batch_size):
    update = tf.function(metric.update_state, reduce_retracing=True)
    for start in range(0, len(labels), batch_size):
        part = slice(start, start + batch_size)
        update(tf.constant(labels[part]), tf.constant(scores[part]))
    return float(metric.result())


@pytest.fixture(scope="module")
def many_videos():
    """Classes that 2 in 1,000 to 4 in 10 videos have, and metrics of them."""
    rng = np.random.default_rng(0)
    rates = np.geomspace(0.002, 0.4, NUM_CLASSES)
    labels = rng.random((25_600, NUM_CLASSES)) < rates
    scores = rng.normal(size=labels.shape) + 2 * labels
    labels, scores = labels.astype("float32"), scores.astype("float32")
    return labels, scores, defined_values(labels, scores, 3)


@parametrize("name", STREAMED)
@parametrize("levels", [0, 4])
def test_batches_of_any_size_and_order_give_the_same(name, levels):
    rng = np.random.default_rng(1)
    labels, scores = scored_videos(rng, 90, NUM_CLASSES, levels=levels)
    whole = feed(STREAMED[name](), labels, scores, batch_size=90)
    assert 0.1 < whole < 0.9
    for batch_size in (1, 7, 64):
        order = rng.permutation(90)
        videos = labels[order], scores[order]
        received = feed(STREAMED[name](), *videos, batch_size)
        assert received == pytest.approx(whole, abs=1e-6)


@parametrize(
    "name, batch_size, order",
    [
        ("gap", 16, "random"),  # 48 entries
        ("gap", 700, "random"),  # 2100 entries
        *itertools.product(
            ["map"], [50, 1000], ["random", "worst first", "best first"]
        ),
    ],
)
def test_fifty_times_the_capacity_is_off_by_less_than_a_thousandth(
    many_videos, name, batch_size, order
):
    labels, scores, expected = many_videos
    if order != "random":
        by_score = np.argsort(scores.mean(axis=1))
        by_score = by_score[::-1] if order == "best first" else by_score
        labels, scores = labels[by_score], scores[by_score]
    metric = STREAMED[name](capacity={"map": 512, "gap": 1536}[name])
    before = shapes_of(metric)
    received = feed(metric, labels, scores, batch_size)
    assert received == pytest.approx(expected[name], abs=1e-3)
    assert shapes_of(metric) == before


def test_merging_loses_neither_a_video_nor_a_hit(many_videos):
    labels, scores, _ = many_videos
    metric = MeanAveragePrecision(NUM_CLASSES, capacity=100)
    feed(metric, labels[:5000], scores[:5000], 30)
    groups = {x.name: np.array(x) for x in metric.variables}
    assert (groups["totals"].sum(axis=(0, 1)) == 5000).all()
    hits = groups["hits"].sum(axis=(0, 1))
    np.testing.assert_array_equal(hits, labels[:5000].sum(axis=0))


@parametrize("shape, capacity", [((64, NUM_CLASSES), 64), ((400, 1), 32)])
def test_enough_capacity_or_equal_scores_are_exact(shape, capacity):
    """All orders of equals are as likely, so all groups are one."""
    labels, scores = scored_videos(np.random.default_rng(3), *shape)
    if capacity < len(labels):
        labels[::4] = 1
        scores[:] = 0.3
    metric = MeanAveragePrecision(shape[1], capacity=capacity)
    received = feed(metric, labels, scores, 8)
    expected = defined_values(labels, scores, 3)["map"]
    assert received == pytest.approx(expected, abs=1e-6)
