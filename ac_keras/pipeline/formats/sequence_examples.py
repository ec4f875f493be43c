"""Parsing of serialized `tf.train.SequenceExample`."""

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
    """Splits a batch of records, strings `(batch,)`, by their keys.

    Args:
        records: The records.
        id_key: Key of the clip's id in the context; None reads no ids.
        context: Mapping from other keys of the context to their dtypes.
        lists: Mapping from keys of feature lists to their dtypes.
        id_required: Whether a clip without an id is an error, or has id `""`.

    Returns:
        Three dicts: `id`, if read, to strings `(batch,)`; keys of the context
        to ragged tensors `(batch, None)`; keys of feature lists to ragged
        tensors `(batch, num_steps, num_values)`. A record that lacks a key
        has no values of it.
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
    """Checks that all steps `(batch, None, None)` have so many values.

    Returns a ragged tensor whose last axis is uniform. `key` names the feature
    list in the error message.
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


def _ragged(dtypes):
    return {
        key: tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)
        for key, dtype in dtypes.items()
    }
