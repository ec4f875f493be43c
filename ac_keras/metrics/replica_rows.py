"""Which row of a metric's state belongs to the replica that asks.

Keras lets every replica update a copy of a metric's variables and adds the
copies when they are read outside. A buffer survives this if each replica
writes to a row of its own: the sum then holds all rows, side by side.
"""

import keras


def num_replicas():
    """The replicas of the strategy in whose scope this is called."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """The number of the replica that asks, among those of all workers."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None:
        return 0
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def in_compiled_step():
    """Whether this is traced as part of one replica's step."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    in_replica = tf.distribute.get_replica_context() is not None
    return in_replica and not tf.executing_eagerly()


def local_variables(variables):
    """The replica's own TensorFlow variables, which can be written in place.

    Args:
        variables: Keras variables.

    Returns:
        TensorFlow variables; None on other backends, and in a stateless
        scope, where nothing may be written.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    values = [variable.value for variable in variables]
    if not all(isinstance(value, tf.Variable) for value in values):
        return None
    index = tf.get_static_value(replica_index())  # It may be a constant.
    if index is None:
        return None
    local = tf.distribute.get_strategy().experimental_local_results
    copies = [local(value) for value in values]
    return [copy[index % len(copy)] for copy in copies]
