"""Average precision of lists of groups of entries, and shorter lists of them.

An entry is a score and whether it is a hit. A group is some entries that share
one score: how many they are, `totals`, and how many of them hit, `hits`. All
arrays are float32 `(num_lists, num_groups)`; a group of no entries is a hole.
"""

import functools

import keras
from keras import ops

CHUNK = 256  # lists worked on at a time, which bounds temporary memory
_TERMS = 4  # of a harmonic sum that are added one by one
_STEPS = 10  # of an iteration, each of which leaves 2/5 of the error or less


def precision_sums(scores, hits, totals):
    """Adds up the precision at each hit, entries being in order of score.

    Entries of equal score are in random order: this is the mean over all of
    their orders.

    Returns:
        Sums `(num_lists,)`, in float64 where the backend has it.
    """
    return _by_chunks(_precision_sums, scores, hits, totals)


def compress(scores, hits, totals, num_groups):
    """Merges neighbours until there are `num_groups` groups, some empty.

    Average precision depends on how much an entry's rank is off in proportion
    to that rank. So the best entries stay alone and groups grow with their
    rank T: as 1 up to T0, as T/T0 beyond, with T0 such that T0 (1 + ln(T/T0))
    is `num_groups` at the last entry. All lists have as many entries.
    """
    merge = functools.partial(_compress, num_groups=num_groups)
    return _by_chunks(merge, scores, hits, totals)


def _by_chunks(function, *arrays):
    """Applies a function of some lists to all of them."""
    num_lists, num_groups = arrays[0].shape[0], ops.shape(arrays[0])[1]
    if num_lists <= CHUNK:
        return function(*arrays)
    num_chunks = -(-num_lists // CHUNK)
    holes = ((0, num_chunks * CHUNK - num_lists), (0, 0))
    chunks = [
        ops.reshape(ops.pad(x, holes), (num_chunks, CHUNK, num_groups))
        for x in arrays
    ]
    results = ops.map(lambda chunk: function(*chunk), chunks)
    return keras.tree.map_structure(
        lambda x: ops.reshape(x, (-1, *x.shape[2:]))[:num_lists], results
    )


def _precision_sums(scores, hits, totals):
    scores, hits, totals = _sort(scores, hits, totals)
    changes = ops.cast(scores[:, 1:] != scores[:, :-1], "int32")
    runs = ops.pad(ops.cumsum(changes, axis=-1), ((0, 0), (1, 0)))
    num_groups = scores.shape[-1]
    hits = _wide(_sum_by(runs, hits, num_groups))
    totals = _wide(_sum_by(runs, totals, num_groups))
    hits_above = ops.cumsum(hits, axis=-1) - hits
    totals_above = ops.cumsum(totals, axis=-1) - totals
    # At place i of the group, H hits of T entries above it, h of t within it,
    # a hit is h/t likely and finds (i-1)(h-1)/(t-1) hits above in the group:
    # the sum over i of h/t (H + 1 + (i-1)(h-1)/(t-1)) / (T + i).
    slope = (hits - 1) / ops.maximum(totals - 1, 1)
    offset = hits_above + 1 - slope * (totals_above + 1)
    harmonic = _harmonic_sum(totals_above, totals)
    share = hits / ops.maximum(totals, 1)
    return ops.sum(hits * slope + share * offset * harmonic, axis=-1)


def _compress(scores, hits, totals, num_groups):
    scores, hits, totals = _sort(scores, hits, totals)
    ranks = ops.cumsum(_wide(totals), axis=-1) - _wide(totals) / 2
    last = ops.max(ranks)
    start = ops.zeros_like(last) + num_groups / 2
    for _ in range(_STEPS):
        start = num_groups / (1 + ops.log(ops.maximum(last / start, 1)))
    beyond = start * (1 + ops.log(ops.maximum(ranks / start, 1)))
    bins = ops.cast(ops.where(ranks < start, ranks, beyond), "int32")
    bins = ops.clip(bins, 0, num_groups - 1)
    bins = ops.where(totals > 0, bins, num_groups)  # Holes: one bin more.

    def sums(values):
        return _sum_by(bins, values, num_groups + 1)[:, :-1]

    merged = _wide(sums(totals))
    # The entry amid a group lends its score; of two, by turns either.
    amid = ops.cumsum(merged, axis=-1) - merged / 2
    amid = amid + 0.25 - ops.arange(num_groups) % 2 / 2
    amid = ops.pad(amid, ((0, 0), (0, 1)))
    distance = ops.take_along_axis(amid, bins, axis=-1) - ranks
    lends = ops.abs(distance) < _wide(totals) / 2
    scores = sums(ops.where(lends, scores, 0.0))
    return scores, sums(hits), ops.cast(merged, "float32")


def _sort(scores, hits, totals):
    """Sorts groups by score, best first, holes last."""
    scores = ops.where(totals > 0, scores, float("-inf"))
    order = ops.argsort(-scores, axis=-1)
    return tuple(
        ops.take_along_axis(x, order, axis=-1) for x in (scores, hits, totals)
    )


def _sum_by(bins, values, num_bins):
    """Sums values by bin: `(num_lists, num_bins)`."""
    num_lists = values.shape[0]
    ids = bins + num_bins * ops.arange(num_lists, dtype="int32")[:, None]
    sums = ops.segment_sum(
        ops.reshape(values, (-1,)),
        ops.reshape(ids, (-1,)),
        num_segments=num_lists * num_bins,
    )
    return ops.reshape(sums, (num_lists, num_bins))


def _harmonic_sum(start, count):
    """Computes 1/(start + 1) + ... + 1/(start + count) to 3e-8."""
    total = ops.zeros_like(start)
    for term in range(1, _TERMS + 1):
        total += ops.where(term <= count, 1 / (start + term), 0.0)
    low = start + _TERMS + 0.5
    high = start + ops.maximum(count, _TERMS) + 0.5
    rest = ops.log1p((high - low) / low)  # the digamma function's expansion
    return total + rest + _digamma_tail(high) - _digamma_tail(low)


def _digamma_tail(x):
    """What digamma(x + 1/2) - ln(x) is, nearly."""
    y = 1 / (x * x)
    return y * (1 / 24 - y * (7 / 960 - y * (31 / 8064)))


def _wide(x):
    return ops.cast(x, "float32" if _is_jax() else "float64")


def _is_jax():
    return keras.backend.backend() == "jax"  # It has no float64 as it comes.
