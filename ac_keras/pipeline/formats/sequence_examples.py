"""Batches of serialized `tf.train.SequenceExample`, split by their keys."""

import tensorflow as tf


def split_sequences(
    records: tf.Tensor,
    id_key: str | None,
    context: dict[str, tf.DType],
    lists: dict[str, tf.DType],
    id_required: bool = True,
) -> tuple[
    dict[str, tf.Tensor], dict[str, tf.RaggedTensor], dict[str, tf.RaggedTensor]
]:
    """Splits a batch.

    Args:
        records: Strings `(batch,)`.
        id_key: The key of a clip's name in the context; None reads no names.
        context: Mapping from other keys of the context to their dtypes.
        lists: Mapping from keys of feature lists to their dtypes.
        id_required: Whether a clip without a name is an error; its id is
            `""` else.

    Returns:
        A mapping from `id`, if asked for, to strings `(batch,)`; one from the
        context's keys to ragged tensors `(batch, None)`; and one from the
        lists' keys to ragged tensors `(batch, num_steps, num_values)`. A
        record that lacks one of these keys has no entries.
    """
    named = {} if id_key is None else {id_key: tf.string}
    values, steps, _ = tf.io.parse_sequence_example(
        records, _ragged({**context, **named}), _ragged(lists)
    )
    if id_key is None:
        return {}, values, steps
    ids = values.pop(id_key)
    if not id_required:
        return {"id": tf.strings.reduce_join(ids, axis=1)}, values, steps
    single = tf.debugging.assert_equal(
        ids.row_lengths(),
        tf.constant(1, tf.int64),
        f"Expected one {id_key!r} in the context of each SequenceExample.",
    )
    with tf.control_dependencies([single]):
        return {"id": tf.identity(ids.flat_values)}, values, steps


def fixed_steps(
    steps: tf.RaggedTensor, num_values: int, key: str
) -> tf.RaggedTensor:
    """Checks that every step has the same number of values.

    Args:
        steps: `(batch, None, None)`.
        num_values: How many.
        key: The feature list's key, named in errors.

    Returns:
        `(batch, None, num_values)`, its last axis uniform.
    """
    fitting = tf.debugging.assert_equal(
        steps.values.row_lengths(),
        tf.constant(num_values, tf.int64),
        f"Expected {num_values} values of {steps.dtype.name} in each frame of "
        f"{key!r}.",
    )
    with tf.control_dependencies([fitting]):
        rows = tf.reshape(steps.flat_values, (-1, num_values))
    return steps.with_values(rows)


def _ragged(dtypes: dict[str, tf.DType]) -> dict[str, tf.io.RaggedFeature]:
    return {
        key: tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)
        for key, dtype in dtypes.items()
    }
