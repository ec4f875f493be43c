"""Checks and conversions of labels, scores and weights."""

import keras
from keras import ops


def read_multi_hot(metric, y_true, y_pred):
    """Checks labels and scores `(batch, num_classes)`; casts to float32.

    Labels above 0.5 become 1, others 0. `metric` is named in error messages.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), read_scores(metric, y_pred)
    shape, expected = tuple(y_true.shape), tuple(y_pred.shape)
    if len(shape) != 2 or not _fits(shape, expected):
        raise ValueError(
            f"{_name(metric)} expects y_true of y_pred's shape (batch, "
            f"num_classes) = {expected}. Received: y_true.shape={shape}. Turn "
            "lists of labels into rows of 0 and 1, for example with "
            "keras.ops.multi_hot."
        )
    labels = ops.cast(y_true, "float32") > 0.5
    return ops.cast(labels, "float32"), y_pred


def read_scores(metric, y_pred, num_classes=None):
    """Checks floating scores `(batch, num_classes)` and casts them to float32.

    With None as `num_classes`, any number of classes is allowed.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    shape, expected = tuple(y_pred.shape), (None, num_classes)
    known = len(shape) == 2 and shape[-1] is not None
    if not known or not _fits(shape, expected):
        raise ValueError(
            f"{_name(metric)} expects y_pred of shape (batch, "
            f"{num_classes or 'num_classes'}). Received: y_pred.shape="
            f"{shape}. Pass one score a class; for a single video, add a "
            "batch axis."
        )
    dtype = keras.backend.standardize_dtype(y_pred.dtype)
    if "float" not in dtype:
        raise ValueError(
            f"{_name(metric)} expects floating scores. Received: "
            f"y_pred.dtype={dtype}. Pass the model's scores, not the "
            "predicted classes."
        )
    return ops.cast(y_pred, "float32")


def read_class_indices(metric, y_true):
    """Checks indices `(batch,)` or `(batch, 1)`; returns int32 `(batch,)`."""
    y_true = ops.convert_to_tensor(y_true)
    shape = tuple(y_true.shape)
    if len(shape) not in (1, 2) or shape[1:] not in ((), (1,)):
        raise ValueError(
            f"{_name(metric)} expects y_true of shape (batch,) or (batch, 1), "
            f"the index of each video's class. Received: y_true.shape={shape}. "
            "Convert one-hot rows by keras.ops.argmax."
        )
    return ops.cast(ops.reshape(y_true, (-1,)), "int32")


def read_weights(metric, sample_weight, values):
    """Checks the weights of videos and casts them to float32 `(batch,)`.

    They are None for all ones, a number, `(batch,)` or `(batch, 1)`.
    """
    if sample_weight is None:
        return ops.ones_like(values, dtype="float32")
    weights = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    shape, batch = tuple(weights.shape), values.shape[0]
    allowed = shape in ((), (1,)) or (
        shape[1:] in ((), (1,)) and _fits(shape[:1], (batch,))
    )
    if not allowed:
        raise ValueError(
            f"{_name(metric)} expects sample_weight of shape (batch,) with "
            f"batch={batch}. Received: sample_weight.shape={shape}. Pass one "
            "weight a video."
        )
    return ops.broadcast_to(ops.reshape(weights, (-1,)), ops.shape(values))


def reject_weights(metric, sample_weight):
    """Checks that there are no weights, for metrics that rank."""
    if sample_weight is not None:
        raise ValueError(
            f"{_name(metric)} expects no sample_weight, as its definition has "
            "none. Received: sample_weight of type "
            f"{type(sample_weight).__name__}. Pass it to compile in metrics, "
            "not in weighted_metrics."
        )


def _name(metric):
    return type(metric).__name__


def _fits(shape, expected):
    return len(shape) == len(expected) and all(
        None in (have, want) or have == want
        for have, want in zip(shape, expected, strict=True)
    )
