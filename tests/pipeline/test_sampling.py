"""Sampling of frames, against the definition in plain Python."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline.sampling import equal_intervals
from ac_keras.pipeline.sampling import num_sampled
from ac_keras.pipeline.sampling import random_segments
from ac_keras.pipeline.sampling import random_subset

SEED = (3, 14)
each_shape = pytest.mark.parametrize("seed", range(8))


def draw_shape(seed):
    """Random lengths of clips, among them 0, and a sample size."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 40, rng.integers(1, 9))
    lengths[0] = 0
    return lengths.astype("int32"), int(rng.integers(1, 30))


def middle_frames(length, sample_size):
    """Cuts a clip into intervals of equal length and takes their middles."""
    count = min(length, sample_size)
    width = Fraction(length, max(count, 1))
    return [int(i * width + width / 2) for i in range(count)]


def draw(lengths, sample_size, seed=SEED, sample=random_subset, **rows):
    lengths = tf.constant(lengths, tf.int32)
    return sample(lengths, sample_size, tf.constant(seed), **rows).numpy()


def take(lengths, sample_size):
    return equal_intervals(tf.constant(lengths, tf.int32), sample_size).numpy()


each_sampler = pytest.mark.parametrize(
    "sample", [random_subset, random_segments]
)


def spread(counts, probability, draws):
    """Sum of squared deviations; its mean is the number of counts."""
    variance = draws * probability * (1 - probability)
    return np.sum((np.asarray(counts) - draws * probability) ** 2) / variance


@each_shape
def test_equal_intervals_are_taken_in_their_middle(seed):
    lengths, size = draw_shape(seed)
    positions = take(lengths, size)
    assert positions.shape == (len(lengths), size)
    counts = num_sampled(tf.constant(lengths), size).numpy()
    for length, count, row in zip(lengths, counts, positions, strict=True):
        assert count == min(length, size)
        expected = middle_frames(int(length), size)
        assert row.tolist() == expected + [0] * (size - count)


@pytest.mark.parametrize(
    ("length", "size"),
    [
        (10_007, 999),
        (16_777_217, 25),
        (2_000_000, 1000),
        (10_000_000, 300),
    ],
)
def test_equal_intervals_of_a_long_clip_stay_in_it(length, size):
    positions = take([length], size)[0].tolist()
    assert positions == middle_frames(length, size)
    assert positions[-1] < length


@each_shape
def test_random_frames_are_the_clips_own_each_once_in_order(seed):
    lengths, size = draw_shape(seed)
    positions = draw(lengths, size, seed=(seed, 1))
    assert positions.shape == (len(lengths), size)
    for length, row in zip(lengths.tolist(), positions.tolist(), strict=True):
        count = min(length, size)
        assert set(row[:count]) <= set(range(length))
        assert row[:count] == sorted(set(row[:count]))
        assert row[count:] == [0] * (size - count)
    assert draw(lengths[:0], size).shape == (0, size)


@each_sampler
@pytest.mark.parametrize("other", [(3, 15), (4, 14)])
def test_the_seed_and_the_row_decide_which_frames_are_drawn(sample, other):
    first, again, second = (
        draw([40] * 20, 8, seed, sample) for seed in (SEED, SEED, other)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != second).any(axis=1).all()
    assert len(set(map(tuple, first.tolist()))) == 20


def test_every_set_of_frames_is_drawn_about_equally_often():
    draws = 4000
    rows = list(map(tuple, draw([6] * draws, 3).tolist()))
    sets = list(itertools.combinations(range(6), 3))
    counts = [rows.count(frames) for frames in sets]
    assert sum(counts) == draws
    # Chi-square with 19 degrees of freedom.
    assert 5 < spread(counts, 1 / len(sets), draws) < 44


def test_every_frame_is_drawn_about_equally_often_over_the_seeds():
    draws, lengths = 1000, tf.constant([6])
    seeds = tf.data.Dataset.range(draws).map(
        lambda index: random_subset(lengths, 2, tf.stack([5, index]))[0]
    )
    rows = next(seeds.batch(draws).as_numpy_iterator())
    counts = np.bincount(rows.ravel(), minlength=6)
    assert 0.5 < spread(counts, 2 / 6, draws) < 22


@each_shape
def test_each_frame_lies_in_its_own_segment(seed):
    lengths, size = draw_shape(seed)
    rows = draw(lengths, size, sample=random_segments)
    for length, row in zip(lengths.tolist(), rows, strict=True):
        count = min(length, size)
        width = Fraction(length, max(count, 1))
        for slot in range(count):
            first, end = int(slot * width), int((slot + 1) * width)
            assert first <= row[slot] < end
        assert not row[count:].any()


def test_segments_draw_all_their_frames_equally_often_and_independently():
    rows = draw(np.full(30_000, 10), 2, sample=random_segments)
    for slot, first in enumerate((0, 5)):
        counts = np.bincount(rows[:, slot] - first, minlength=5)
        assert len(counts) == 5
        # Chi-square with 4 degrees of freedom: 30 is far out.
        assert ((counts - 6000) ** 2 / 6000).sum() < 30
    assert abs(np.corrcoef(rows.T)[0, 1]) < 0.03


def test_a_process_with_some_rows_draws_what_all_rows_would():
    lengths = np.arange(20, 32)
    whole = draw(lengths, 5, sample=random_segments)
    rows = {"first_row": 4, "num_rows": 12}
    part = draw(lengths[4:9], 5, sample=random_segments, **rows)
    assert (part == whole[4:9]).all()
