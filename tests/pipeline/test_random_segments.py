"""One frame of each segment, against the definition in plain Python."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline.sampling import random_segments

SEED = (3, 14)
each_shape = pytest.mark.parametrize("seed", range(8))


def draw(lengths, sample_size, seed=SEED, **rows):
    lengths = tf.constant(lengths, tf.int32)
    seed = tf.constant(seed)
    return random_segments(lengths, sample_size, seed, **rows).numpy()


def draw_shape(seed):
    """Random lengths of clips, among them 0, and a sample size."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 60, rng.integers(1, 9))
    lengths[0] = 0
    return lengths.astype("int32"), int(rng.integers(1, 12))


@each_shape
def test_each_frame_lies_in_its_own_segment(seed):
    lengths, size = draw_shape(seed)
    for length, row in zip(lengths.tolist(), draw(lengths, size), strict=True):
        count = min(length, size)
        width = Fraction(length, max(count, 1))
        for slot in range(count):
            first, end = int(slot * width), int((slot + 1) * width)
            assert first <= row[slot] < end
        assert not row[count:].any()


def test_a_short_clip_gives_all_its_frames():
    assert draw([3, 5], 5).tolist() == [[0, 1, 2, 0, 0], [0, 1, 2, 3, 4]]


def test_all_frames_of_a_segment_are_drawn_about_equally_often():
    rows = draw(np.full(30_000, 10), 2)
    for slot, first in enumerate((0, 5)):
        counts = np.bincount(rows[:, slot] - first, minlength=5)
        assert len(counts) == 5
        # Chi-square with 4 degrees of freedom: 30 is far out.
        assert ((counts - 6000) ** 2 / 6000).sum() < 30


def test_segments_draw_independently():
    rows = draw(np.full(20_000, 10), 2)
    assert abs(np.corrcoef(rows.T)[0, 1]) < 0.03


def test_the_seed_decides():
    lengths = np.full(50, 40)
    assert (draw(lengths, 7) == draw(lengths, 7)).all()
    assert (draw(lengths, 7) != draw(lengths, 7, seed=(3, 15))).any()


def test_a_process_with_some_rows_draws_what_all_rows_would():
    lengths = np.arange(20, 32)
    whole = draw(lengths, 5)
    part = draw(lengths[4:9], 5, first_row=4, num_rows=12)
    assert (part == whole[4:9]).all()
