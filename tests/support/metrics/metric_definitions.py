"""Random labels and scores, and the metrics from their definitions.

The metrics are computed for all videos at once, in float64.

`labels` are `(num_videos, num_classes)` of 0 and 1, `scores` their scores.
"""

import numpy as np

from ac_keras import metrics


def hit_at_one(labels, scores):
    """Mean over videos of y[argmax p]."""
    found = [y[np.argmax(p)] for y, p in zip(labels, scores, strict=True)]
    return float(np.mean(found)) if found else 0.0


def equal_recall_precision(labels, scores):
    """Precision within each video's n_labels best, mean over labelled ones."""
    values = []
    for y, p in zip(labels, scores, strict=True):
        n = int(y.sum())
        if n:
            best = sorted(range(len(p)), key=lambda c: (-p[c], c))[:n]
            values.append(sum(y[c] for c in best) / n)
    return float(np.mean(values)) if values else 0.0


def precision_at_hits(hits, scores):
    """Sum of the precision at each hit, the mean over all orders of ties."""
    above_hits = above = total = 0.0
    for score in sorted(set(scores), reverse=True):
        tied = [hit for hit, x in zip(hits, scores, strict=True) if x == score]
        t, h = len(tied), float(sum(tied))
        for place in range(1, t + 1):  # of one hit, each as likely
            hits_ahead = (place - 1) * (h - 1) / (t - 1) if t > 1 else 0.0
            found = above_hits + hits_ahead + 1
            total += h / t * found / (above + place)
        above_hits, above = above_hits + h, above + t
    return total


def global_average_precision(labels, scores, top_k):
    """Average precision of all videos' top_k, over all positives."""
    pool_hits, pool_scores = [], []
    for y, p in zip(labels, scores, strict=True):
        best = sorted(range(len(p)), key=lambda c: (-p[c], c))[:top_k]
        pool_hits += [y[c] for c in best]
        pool_scores += [p[c] for c in best]
    positives = np.sum(labels)
    total = precision_at_hits(pool_hits, pool_scores)
    return float(total / positives) if positives else 0.0


def average_precisions(labels, scores):
    """Each class's average precision, NaN without positives."""
    return np.array(
        [
            precision_at_hits(y, p) / y.sum() if y.sum() else np.nan
            for y, p in zip(labels.T, scores.T, strict=True)
        ]
    )


def mean_average_precision(labels, scores):
    """The mean over classes with positives."""
    values = average_precisions(labels, scores)
    found = values[~np.isnan(values)]
    return float(found.mean()) if len(found) else 0.0


def per_class_accuracy(classes, scores):
    """The mean over the classes that occur of the share that is right."""
    right = scores.argmax(axis=1) == classes
    shares = [right[classes == c].mean() for c in sorted(set(classes))]
    return float(np.mean(shares)) if shares else 0.0


def defined_values(labels, scores, top_k, classes=None):
    """Computes all metrics by name; classes are by default the first labels."""
    classes = labels.argmax(axis=1) if classes is None else classes
    labels, scores = (np.asarray(x, "float64") for x in (labels, scores))
    return {
        "hit_at_1": hit_at_one(labels, scores),
        "perr": equal_recall_precision(labels, scores),
        "gap": global_average_precision(labels, scores, top_k),
        "map": mean_average_precision(labels, scores),
        "per_class_accuracy": per_class_accuracy(classes, scores),
    }


def make_metrics(num_classes, top_k, gap_capacity, map_capacity):
    """Makes the metrics of videos with several labels."""
    return [
        metrics.HitAtOne(),
        metrics.PrecisionAtEqualRecallRate(),
        metrics.GlobalAveragePrecision(top_k, capacity=gap_capacity),
        metrics.MeanAveragePrecision(num_classes, capacity=map_capacity),
    ]


def scored_videos(rng, num_videos, num_classes, rate=0.3, levels=0):
    """Labels, of which some rows and columns are empty, and their scores.

    Args:
        rng: NumPy generator.
        num_videos: Number of rows.
        num_classes: Number of columns.
        rate: How likely a label is.
        levels: Number of different scores; 0 makes nearly all different.

    Returns:
        Float32 labels and scores.
    """
    shape = (num_videos, num_classes)
    labels = rng.random(shape) < rate
    labels &= rng.random((num_videos, 1)) < 0.8
    labels &= rng.random((1, num_classes)) < 0.8
    scores = rng.normal(size=shape) + 0.8 * labels
    if levels:
        scores = np.floor(scores * levels / 6)
    return labels.astype("float32"), scores.astype("float32")


def in_batches(rng, num_videos):
    """Slices of random sizes that cover all videos."""
    ends = rng.integers(0, num_videos + 1, size=rng.integers(0, 4))
    ends = [0, *sorted(set(ends) - {0, num_videos}), num_videos]
    return [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]
