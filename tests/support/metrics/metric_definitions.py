"""Random labels and scores, and the metrics from their definitions.

The metrics are computed for all videos at once, in float64, from labels
`(num_videos, num_classes)` of 0 and 1 and their scores.
"""

import numpy as np

from ac_keras import metrics


def hit_at_one(labels, scores):
    """Mean over videos of y[argmax p]."""
    return labels[np.arange(len(labels)), scores.argmax(axis=1)].mean()


def best_first(labels, scores):
    """Labels and scores in each video's order; of equals, the first class."""
    order = np.argsort(-scores, axis=1, kind="stable")
    return (np.take_along_axis(x, order, axis=1) for x in (labels, scores))


def equal_recall_precision(labels, scores):
    """Precision within each video's n_labels best, mean over labelled ones."""
    in_order, _ = best_first(labels, scores)
    values = [y[: int(y.sum())].mean() for y in in_order if y.any()]
    return np.mean(values) if values else 0.0


def precision_at_hits(hits, scores):
    """Sum of the precision at each hit, the mean over all orders of ties."""
    _, ties = np.unique(-np.asarray(scores), return_inverse=True)
    sizes, hits = np.bincount(ties), np.bincount(ties, hits)
    above, above_hits = np.cumsum(sizes) - sizes, np.cumsum(hits) - hits
    # The same of each place's tie; of one hit, each place is as likely.
    t, h, above, above_hits = (
        np.repeat(x, sizes) for x in (sizes, hits, above, above_hits)
    )
    places = np.arange(len(t))
    hits_ahead = (places - above) * (h - 1) / np.maximum(t - 1, 1)
    return (h / t * (above_hits + hits_ahead + 1) / (places + 1)).sum()


def global_average_precision(labels, scores, top_k):
    """Average precision of all videos' top_k, over all positives."""
    hits, pool = (x[:, :top_k].ravel() for x in best_first(labels, scores))
    return precision_at_hits(hits, pool) / max(labels.sum(), 1)


def mean_average_precision(labels, scores):
    """The mean over classes with positives."""
    values = [
        precision_at_hits(y, p) / y.sum()
        for y, p in zip(labels.T, scores.T, strict=True)
        if y.any()
    ]
    return np.mean(values) if values else 0.0


def per_class_accuracy(classes, scores):
    """The mean over the classes that occur of the share that is right."""
    right = scores.argmax(axis=1) == classes
    return np.mean([right[classes == c].mean() for c in np.unique(classes)])


def defined_values(labels, scores, top_k, classes=None):
    """Computes the metrics by name; classes are by default the first labels."""
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

    A label is as likely as `rate`. There are `levels` different scores; if 0,
    nearly all are different. Both are float32.
    """
    shape = (num_videos, num_classes)
    labels = rng.random(shape) < rate
    labels &= rng.random((num_videos, 1)) < 0.8
    labels &= rng.random((1, num_classes)) < 0.8
    scores = rng.normal(size=shape) + 0.8 * labels
    if levels:
        scores = np.floor(scores * levels / 6)
    return labels.astype("float32"), scores.astype("float32")
