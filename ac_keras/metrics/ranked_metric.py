"""A metric that ranks scores in bounded memory."""

import keras
from keras import ops

from ac_keras.metrics import ranked_groups


def num_replicas():
    """Returns the number of replicas of the current strategy."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """Returns the index of the current replica, over all workers."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None:
        return 0
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def in_compiled_step():
    """Returns True if this is traced as part of a replica's step."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    in_replica = tf.distribute.get_replica_context() is not None
    return in_replica and not tf.executing_eagerly()


def local_variables(variables):
    """Returns the replica's TensorFlow variables, for writing in place.

    Returns None on other backends, and in a stateless scope, where writing is
    not allowed.
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


class RankedMetric(keras.metrics.Metric):
    """Keeps `num_lists` lists of groups of entries; see `ranked_groups`.

    A list first has a group for each entry. A full list is merged to half its
    length, so memory stays constant. All replicas together have `capacity`
    groups in each list.
    """

    def __init__(self, num_lists, capacity, step_results, name, dtype):
        super().__init__(name=name, dtype=dtype)
        self.capacity = capacity
        self.step_results = step_results
        self._num_lists = num_lists
        self._num_rows = num_replicas()
        self._length = capacity // self._num_rows  # of a replica's row
        if self._length < 2:
            raise ValueError(
                f"{type(self).__name__} expects a capacity of 2 or more for "
                f"each replica. Received: capacity={capacity} for "
                f"{self._num_rows} replicas. Use the default, or thousands."
            )
        shape = (self._num_rows, self._length, num_lists)
        self._groups = [
            self._add_state(shape, part)
            for part in ("scores", "hits", "totals")
        ]
        self._filled = self._add_state((self._num_rows,), "filled")
        self._num_broken = self._add_state((), "num_broken")

    def result(self):
        """Computes the metric over all updates, float32 or `dtype`."""
        if not self.step_results and in_compiled_step():
            return ops.cast(float("nan"), self.dtype)
        value = ops.cast(self._ranked_result(), self.dtype)
        broken = ops.convert_to_tensor(self._num_broken) > 0
        return ops.where(broken, ops.cast(float("nan"), self.dtype), value)

    def get_config(self):
        """Returns the arguments that make such a metric."""
        return {
            **super().get_config(),
            "capacity": self.capacity,
            "step_results": self.step_results,
        }

    def _ranked_result(self):
        """Computes the value, without regard to NaN."""
        raise NotImplementedError

    def _read_groups(self):
        """Reads scores, hits and totals of all replicas, one row a list."""
        flat = (-1, self._num_lists)
        return [
            ops.transpose(ops.reshape(ops.convert_to_tensor(part), flat))
            for part in self._groups
        ]

    def _add_state(self, shape, name):
        return self.add_variable(shape, "zeros", dtype="float32", name=name)

    def _replace_broken(self, scores):
        """Counts NaN, which makes the result NaN, and makes it sortable."""
        broken = ops.isnan(scores)
        count = ops.sum(ops.cast(broken, "float32"))
        self._num_broken.assign_add(count)
        return ops.where(broken, float("-inf"), scores)

    def _append(self, scores, hits):
        """Adds entries `(num_entries, num_lists)` to the replica's row."""
        entries = (scores, hits, ops.ones_like(scores))
        row = self._row()
        local = local_variables([*self._groups, self._filled])
        if local is None:
            self._append_copying(entries, row)
        else:
            self._append_in_place(entries, row, *local)

    def _row(self):
        now = num_replicas()
        if now != self._num_rows:
            raise ValueError(
                f"{type(self).__name__} expects to be updated by the "
                f"{self._num_rows} replicas that it was made for. Received: "
                f"an update by one of {now}. Make it within strategy.scope() "
                "and update it within strategy.run()."
            )
        return replica_index()

    def _append_in_place(self, entries, row, *local):
        *groups, filled = local
        used = ops.cast(filled[row], "int32")
        num_entries = ops.shape(entries[0])[0]

        def write():
            places = used + ops.arange(num_entries)
            places = ops.stack([ops.full_like(places, row), places], axis=-1)
            for part, new in zip(groups, entries, strict=True):
                part.scatter_nd_update(places, new)
            return used + num_entries

        def merge():
            old = [part[row] for part in groups]
            merged = self._merge(old, entries)
            for part, new in zip(groups, merged, strict=True):
                part.scatter_nd_update([[row]], new[None])
            return ops.convert_to_tensor(self._length // 2)

        used = ops.cond(used + num_entries <= self._length, write, merge)
        filled.scatter_nd_update([[row]], ops.cast(used, "float32")[None])

    def _append_copying(self, entries, row):
        old = [ops.convert_to_tensor(part)[row] for part in self._groups]
        used = ops.cast(ops.convert_to_tensor(self._filled)[row], "int32")
        num_entries = ops.shape(entries[0])[0]

        def write():
            places = (used + ops.arange(num_entries))[:, None]
            return [
                ops.scatter_update(part, places, new)
                for part, new in zip(old, entries, strict=True)
            ] + [ops.cast(used + num_entries, "float32")]

        def merge():
            half = ops.convert_to_tensor(self._length // 2)
            return [*self._merge(old, entries), ops.cast(half, "float32")]

        fits = used + num_entries <= self._length
        variables = [*self._groups, self._filled]
        values = ops.cond(fits, write, merge)
        for variable, value in zip(variables, values, strict=True):
            whole = ops.convert_to_tensor(variable)
            variable.assign(ops.scatter_update(whole, [[row]], value[None]))

    def _merge(self, old, entries):
        """Merges old groups and new entries to half a list, then holes."""
        together = [
            ops.transpose(ops.concatenate(parts))
            for parts in zip(old, entries, strict=True)
        ]
        half = self._length // 2
        merged = ranked_groups.compress(*together, half)
        holes = ((0, self._length - half), (0, 0))
        return [ops.pad(ops.transpose(part), holes) for part in merged]
