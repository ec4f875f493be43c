"""Streaming metrics of video classification, for `fit` and for custom loops.

All metrics sum over replicas: update them within `strategy.run` and read the
result outside. The metrics for several labels a video follow the YouTube-8M
benchmark (Abu-El-Haija et al., 2016, section 5.1).
"""

from ac_keras.metrics.equal_recall_precision import PrecisionAtEqualRecallRate
from ac_keras.metrics.global_average_precision import GlobalAveragePrecision
from ac_keras.metrics.hit_at_one import HitAtOne
from ac_keras.metrics.intervals import metric_intervals
from ac_keras.metrics.mean_average_precision import MeanAveragePrecision
from ac_keras.metrics.per_class_accuracy import PerClassAccuracy

__all__ = [
    "GlobalAveragePrecision",
    "HitAtOne",
    "MeanAveragePrecision",
    "PerClassAccuracy",
    "PrecisionAtEqualRecallRate",
    "metric_intervals",
]
