"""Times of frames, also where a file tells few of them or wrong ones."""

import types
from fractions import Fraction

import numpy as np
import pytest

from ac_keras.extraction.media.frame_times import to_seconds
from ac_keras.extraction.media.video import DecodedFrames


def track(rate=Fraction(10), clock=Fraction(1, 1000)):
    """What the times of a track depend on."""
    return types.SimpleNamespace(
        average_rate=rate, base_rate=None, time_base=clock
    )


def test_times_count_from_the_first_frame():
    times = to_seconds([7000, 7040, 7500], track())
    assert times.tolist() == [0, 0.04, 0.5]


def test_a_time_is_as_near_as_a_float_can_be():
    clock = Fraction(1001, 30000)
    times = to_seconds(list(range(1, 1000)), track(clock=clock))
    assert times.tolist() == [float(x * clock) for x in range(999)]


def test_a_frame_without_a_time_follows_the_one_before():
    times = to_seconds([0, None, 250, None], track())
    np.testing.assert_allclose(times, [0, 0.1, 0.25, 0.35])


@pytest.mark.parametrize("ticks", [[None] * 4, [5] * 4, [5, None, None, 5]])
def test_frames_that_no_time_tells_apart_are_counted(ticks):
    np.testing.assert_allclose(to_seconds(ticks, track()), [0, 0.1, 0.2, 0.3])
    assert to_seconds(ticks, track(rate=None)).tolist() == [0, 0.04, 0.08, 0.12]


def test_times_never_descend():
    times = to_seconds([0, 100, 300, 200, 400], track())
    assert times.tolist() == [0, 0.1, 0.3, 0.3, 0.4]


def packet(pts, is_corrupt=False):
    return types.SimpleNamespace(pts=pts, is_corrupt=is_corrupt)


def frame(pts, key=False):
    return types.SimpleNamespace(pts=pts, key_frame=key, is_corrupt=False)


def test_a_key_frame_from_before_a_loss_does_not_end_it():
    """Decoders hold frames back: two come after the packet that breaks."""
    av = pytest.importorskip("av")
    answers = {
        0: [frame(0, key=True)],
        1: [frame(1)],
        5: av.error.InvalidDataError(1, "broken"),
        6: [frame(3, key=True), frame(4)],
        7: [frame(6), frame(7)],
        8: [frame(8, key=True), frame(9)],
    }

    def decode(packet):
        answer = answers[packet.pts]
        if isinstance(answer, Exception):
            raise answer
        return answer

    container = types.SimpleNamespace(demux=lambda _: map(packet, answers))
    decoded = DecodedFrames(container, types.SimpleNamespace(decode=decode))
    assert [x.pts for x in decoded] == [0, 1, 8, 9] == decoded.ticks
    assert decoded.is_damaged
