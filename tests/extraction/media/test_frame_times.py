"""Presentation times of frames, and the choice of frames by them."""

import types
from fractions import Fraction

import numpy as np
import pytest

from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.media.frame_times import to_seconds
from ac_keras.extraction.media.video import DecodedFrames


def track(rate=Fraction(10), clock=Fraction(1, 1000)):
    """Returns a stream with what its times depend on."""
    return types.SimpleNamespace(
        average_rate=rate, base_rate=None, time_base=clock
    )


@pytest.mark.parametrize(
    ("ticks", "seconds"),
    [
        ([7000, 7040, 7500], [0, 0.04, 0.5]),
        ([0, None, 250, None], [0, 0.1, 0.25, 0.35]),
        ([0, 100, 300, 200, 400], [0, 0.1, 0.3, 0.3, 0.4]),
    ],
)
def test_times_count_from_the_first_frame_and_never_descend(ticks, seconds):
    np.testing.assert_allclose(to_seconds(ticks, track()), seconds)


def test_a_time_is_as_near_as_a_float_can_be():
    clock = Fraction(1001, 30000)
    times = to_seconds(list(range(1, 1000)), track(clock=clock))
    assert times.tolist() == [float(x * clock) for x in range(999)]


@pytest.mark.parametrize("ticks", [[None] * 4, [5] * 4, [5, None, None, 5]])
def test_frames_that_no_time_tells_apart_are_counted(ticks):
    np.testing.assert_allclose(to_seconds(ticks, track()), [0, 0.1, 0.2, 0.3])
    assert to_seconds(ticks, track(rate=None)).tolist() == [0, 0.04, 0.08, 0.12]


def test_a_key_frame_from_before_a_loss_does_not_end_it():
    """Decoders hold frames back: two come after the packet that breaks."""
    av = pytest.importorskip("av")
    broken = av.error.InvalidDataError(1, "broken")
    answers = {0: [0], 1: [1], 5: broken, 6: [3, 4], 7: [6, 7], 8: [8, 9]}

    def decode(packet):
        answer = answers[packet.pts]
        if answer is broken:
            raise answer
        return [make(x, key_frame=x in (0, 3, 8)) for x in answer]

    def make(pts, **settings):
        return types.SimpleNamespace(pts=pts, is_corrupt=False, **settings)

    container = types.SimpleNamespace(demux=lambda _: map(make, answers))
    decoded = DecodedFrames(container, types.SimpleNamespace(decode=decode))
    assert [x.pts for x in decoded] == [0, 1, 8, 9] == decoded.ticks
    assert decoded.is_damaged


STEADY = np.arange(50) / 25  # two seconds


@pytest.mark.parametrize("length", [25, 50, 75, 250, 1000])
@pytest.mark.parametrize("rate", [10.0, 25.0, 30000 / 1001])
def test_equal_intervals_of_a_steady_clip_are_those_of_its_frames(length, rate):
    positions = EqualIntervals(25).positions(7 + np.arange(length) / rate)
    expected = [(2 * slot + 1) * length // 50 for slot in range(25)]
    # A middle that falls on the border of two frames is the later one's.
    np.testing.assert_array_equal(positions, expected)


def test_a_frame_of_equal_intervals_is_shown_at_their_middle():
    times = np.cumsum(np.random.default_rng(1).uniform(0.03, 0.1, 300))
    step = np.median(np.diff(times))
    middles = (np.arange(25) + 0.5) / 25 * (times[-1] + step - times[0])
    positions = EqualIntervals(25).positions(times)
    assert len(positions) == 25
    assert (times[positions] - times[0] <= middles + step / 20).all()
    assert (times[positions + 1] - times[0] > middles).all()


def test_equal_intervals_do_not_depend_on_how_times_are_rounded():
    exact = np.arange(100) / 30
    for count in (10, 20, 25, 50):
        positions = EqualIntervals(count).positions
        rounded = positions(np.round(exact, 3))
        np.testing.assert_array_equal(positions(exact), rounded)


TENTHS = np.arange(100) / 10
UNEVEN = np.array([0.0, 0.1, 5.0])
# Ten frames in the first second, then one a second.
SLOWER = np.concatenate([np.arange(10) / 10, np.arange(1, 10)])


@pytest.mark.parametrize(
    ("choice", "times", "expected"),
    [
        (EqualIntervals(3), UNEVEN, [0, 1, 2]),
        (EqualIntervals(25), UNEVEN, [0, 1, 2]),
        (EqualIntervals(25), np.zeros(1), [0]),
        (EqualIntervals(5), SLOWER, [9, 11, 13, 15, 17]),
        # One frame is shown from 1 s to 100 s.
        (EqualIntervals(10), np.append(np.arange(30) / 30, 100.0), [29]),
        (FrameRate(5), STEADY, range(0, 50, 5)),
        (FrameRate(0.5), TENTHS, range(0, 100, 20)),
        (FrameRate(25), STEADY, range(50)),
        (FrameRate(30), STEADY, range(50)),
        (FrameRate(1000.0), STEADY, range(50)),
        (FrameRate(5, max_num_frames=3), STEADY, [0, 5, 10]),
        (FrameRate(1), np.array([3.0]), [0]),
    ],
)
def test_each_frame_is_taken_once(choice, times, expected):
    assert choice.positions(times).tolist() == list(expected)


def test_a_frame_rate_agrees_with_a_look_up_of_each_tick():
    random = np.random.default_rng(3)
    times = np.cumsum(random.uniform(0.01, 0.2, 200))
    for rate in (1, 3.7, 12):
        step = np.median(np.diff(times))
        ticks = np.arange(0, times[-1] + step - times[0], 1 / rate)
        shown = [
            np.searchsorted(times, times[0] + tick + step / 20, "right") - 1
            for tick in ticks
        ]
        np.testing.assert_array_equal(
            FrameRate(rate).positions(times), np.unique(shown)
        )


@pytest.mark.parametrize("choice", [EqualIntervals(3), FrameRate(2)])
@pytest.mark.parametrize(
    "times", [np.zeros(0), np.array([0.0, 2.0, 1.0]), np.zeros((2, 2))]
)
def test_no_times_and_descending_ones_are_rejected(choice, times):
    with pytest.raises(ValueError, match="ascending times .* Received: times"):
        choice.positions(times)


@pytest.mark.parametrize("number", [0, 2.5, True])
def test_a_number_of_intervals_is_counted_from_1(number):
    with pytest.raises(ValueError, match="Expected .*Received: .*="):
        EqualIntervals(number)


@pytest.mark.parametrize("settings", [(0,), (float("nan"),), ("2",), (1, 0)])
def test_a_rate_or_number_of_no_frame_is_rejected(settings):
    with pytest.raises(ValueError, match="Expected .*Received: .*="):
        FrameRate(*settings)
