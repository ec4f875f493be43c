"""What metrics take, refuse and keep of their configuration."""

import keras
import numpy as np
import pytest

from ac_keras.metrics import GlobalAveragePrecision
from ac_keras.metrics import HitAtOne
from ac_keras.metrics import MeanAveragePrecision
from ac_keras.metrics import PerClassAccuracy
from ac_keras.metrics import PrecisionAtEqualRecallRate
from support.metrics import metric_definitions
from support.metrics.scored_videos import scored_videos

MAKERS = {
    "hit": HitAtOne,
    "perr": PrecisionAtEqualRecallRate,
    "gap": GlobalAveragePrecision,
    "map": lambda: MeanAveragePrecision(3),
}
ZEROS = np.zeros((2, 3), "float32")
parametrize = pytest.mark.parametrize


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


@parametrize("name", ["gap", "map"])
def test_metrics_that_rank_refuse_weights(name):
    with pytest.raises(ValueError, match=message("no sample_weight", "list")):
        MAKERS[name]().update_state(ZEROS, ZEROS, sample_weight=[1, 1])


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
    metric.reset_state()
    metric.update_state(labels, scores)
    assert float(metric.result()) == 1.0


def test_a_nan_score_shows_in_every_classes_precision():
    metric = MeanAveragePrecision(2)
    metric.update_state([[1, 1]], [[0.5, np.nan]])
    assert np.isnan(metric.average_precisions()).all()


@parametrize("name", ["gap", "map"])
def test_infinite_scores_are_ranked(name):
    labels, scores = scored_videos(np.random.default_rng(2), 30, 3, levels=6)
    scores[scores == scores.max()] = np.inf
    scores[scores <= -1] = -np.inf
    metric = MAKERS[name]()
    metric.update_state(labels, scores)
    if name == "gap":
        expected = metric_definitions.global_average_precision(
            labels, scores, 20
        )
    else:
        expected = metric_definitions.mean_average_precision(labels, scores)
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
def test_other_shapes_and_dtypes_are_refused(
    name, labels, scores, expected, received
):
    with pytest.raises(ValueError, match=message(expected, received)):
        MAKERS[name]().update_state(labels, scores)


@parametrize("name", ["hit", "perr"])
def test_weights_of_another_shape_are_refused(name):
    with pytest.raises(ValueError, match=message("batch=2", r"\(3,\)")):
        MAKERS[name]().update_state(ZEROS, ZEROS, sample_weight=[1, 1, 1])


def test_a_number_of_classes_other_than_announced_is_refused():
    for metric in (MeanAveragePrecision(4), PerClassAccuracy(4)):
        labels = ZEROS if metric.name == "map" else [0, 0]
        with pytest.raises(ValueError, match=message("4", r"\(2, 3\)")):
            metric.update_state(labels, ZEROS)


@parametrize("labels", [[0, 1, 2], [[0, 1]], 0])
def test_labels_other_than_one_a_video_are_refused(labels):
    with pytest.raises(ValueError, match=message("", "")):
        PerClassAccuracy(3).update_state(labels, ZEROS)


@parametrize(
    "make, received",
    [
        (lambda: GlobalAveragePrecision(top_k=0), "top_k=0"),
        (lambda: GlobalAveragePrecision(capacity=1), "capacity=1"),
        (lambda: MeanAveragePrecision(0), "num_classes=0"),
        (lambda: PerClassAccuracy(0), "num_classes=0"),
    ],
)
def test_arguments_that_make_no_metric_are_refused(make, received):
    with pytest.raises(ValueError, match=message("", received)):
        make()


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
    shapes = [[tuple(v.shape) for v in x.variables] for x in (metric, again)]
    assert shapes[0] == shapes[1]
