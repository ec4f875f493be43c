"""Average precision of lists of groups of entries, and their compression.

An entry has a score and may be a hit. A group consists of entries with one
score: `totals` is their number and `hits` the number of hits. All arrays are
float32 `(num_lists, num_groups)`; a group without entries is a hole.
"""

import functools

import keras
from keras import ops

CHUNK = 256  # lists at a time, which limits temporary memory
_TERMS = 4  # of a harmonic sum that are added directly
_STEPS = 10  # of an iteration; each reduces the error to 2/5 or less


def precision_sums(scores, hits, totals):
    """Sums the precision at each hit, `(num_lists,)`, in float64 if possible.

    The sum is the mean over all orders of entries with equal scores.
    """
    return _by_chunks(_precision_sums, scores, hits, totals)


def compress(scores, hits, totals, num_groups):
    """Merges neighbouring groups to at most `num_groups`, padded with holes.

    The error of average precision depends on the error of an entry's rank
    relative to that rank. So the best entries stay alone, and the size of
    groups grows with their rank T: 1 up to T0 and T/T0 beyond, with T0 such
    that T0 (1 + ln(T/T0)) is `num_groups` at the last entry. All lists have
    the same number of entries.
    """
    merge = functools.partial(_compress, num_groups=num_groups)
    return _by_chunks(merge, scores, hits, totals)


def _by_chunks(function, *arrays):
    """Applies a function to chunks of the lists."""
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
    # A group has h hits among t entries, with H hits among the T entries above
    # it. Its place i is a hit with probability h/t, and then (i-1)(h-1)/(t-1)
    # hits are above it in the group on average. So the sum over i is of
    # h/t (H + 1 + (i-1)(h-1)/(t-1)) / (T + i).
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
    # A merged group has the score of its middle entry; of two middle
    # entries, odd and even groups take different ones.
    middle = ops.cumsum(merged, axis=-1) - merged / 2
    middle = middle + 0.25 - ops.arange(num_groups) % 2 / 2
    middle = ops.pad(middle, ((0, 0), (0, 1)))
    distance = ops.take_along_axis(middle, bins, axis=-1) - ranks
    is_middle = ops.abs(distance) < _wide(totals) / 2
    scores = sums(ops.where(is_middle, scores, 0.0))
    return scores, sums(hits), ops.cast(merged, "float32")


def _sort(scores, hits, totals):
    """Sorts groups by score, best first, holes last."""
    scores = ops.where(totals > 0, scores, float("-inf"))
    order = ops.argsort(-scores, axis=-1)
    return tuple(
        ops.take_along_axis(x, order, axis=-1) for x in (scores, hits, totals)
    )


def _sum_by(bins, values, num_bins):
    """Sums values by bin, `(num_lists, num_bins)`."""
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
    rest = ops.log1p((high - low) / low)  # expansion of the digamma function
    return total + rest + _digamma_tail(high) - _digamma_tail(low)


def _digamma_tail(x):
    """Approximates digamma(x + 1/2) - ln(x)."""
    y = 1 / (x * x)
    return y * (1 / 24 - y * (7 / 960 - y * (31 / 8064)))


def _wide(x):
    is_jax = keras.backend.backend() == "jax"  # no float64 by default
    return ops.cast(x, "float32" if is_jax else "float64")
