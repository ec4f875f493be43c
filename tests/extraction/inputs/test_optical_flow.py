"""Flow of textures whose motion is known."""

import concurrent.futures
import sys

import cv2
import numpy as np
import pytest

from ac_keras.extraction.inputs import optical_flow
from support.error_parts import rejects
from support.media import flow_digest
from support.media.flow_digest import moving_frames
from support.programs import output_of
from support.programs import run_program

INNER = np.s_[8:-8, 8:-8]  # what has not moved in or out


@pytest.fixture(params=["tvl1", "dis"])
def method(request):
    return request.param


@pytest.mark.parametrize(
    "motion", [(0.5, 0.0), (0.0, -0.75), (-1.25, 0.5), (2.0, 1.5)]
)
def test_a_known_motion_is_found_x_rightwards_then_y_downwards(method, motion):
    gray = moving_frames(motion, 2)[None]
    flow = optical_flow.flow_stacks(gray, method)[0][INNER]
    error = np.linalg.norm(flow - np.array(motion), axis=-1)
    assert error.mean() < 0.1


def test_channels_are_x_and_y_of_each_pair_in_turn(method):
    first, second = moving_frames((1.0, 0.0), 2, seed=1)
    third = moving_frames((1.0, -1.0), 3, seed=1)[2]  # 2, -2 in all
    gray = np.stack([first, second, third])[None]
    flow = optical_flow.flow_stacks(gray, method)
    assert flow.shape == (1, 48, 64, 4) and flow.dtype == np.float32
    found = np.median(flow[0][INNER], axis=(0, 1))
    np.testing.assert_allclose(found, [1, 0, 1, -2], atol=0.1)


def test_a_still_clip_has_no_flow_at_all(method):
    gray = np.stack([moving_frames((0, 0), 1)] * 3, axis=1)
    flow = optical_flow.flow_stacks(gray, method)
    assert flow.shape == (1, 48, 64, 4) and not flow.any()


def test_a_pair_within_another_stack_has_the_same_flow():
    frames = moving_frames((1.0, 0.5), 4)
    stacks = np.stack([frames[:3], frames[1:]])
    flow = optical_flow.flow_stacks(stacks, "dis")
    np.testing.assert_array_equal(flow[0, ..., 2:], flow[1, ..., :2])
    alone = optical_flow.flow_stacks(stacks[1:], "dis")
    np.testing.assert_array_equal(flow[1], alone[0])


def test_a_pair_backwards_is_not_taken_for_the_pair_forwards():
    first, second = moving_frames((1.0, 0.0), 2)
    gray = np.stack([first, second, first])[None]
    flow = optical_flow.flow_stacks(gray, "dis")[0][INNER]
    np.testing.assert_allclose(flow[..., 0].mean(), 1, atol=0.1)
    np.testing.assert_allclose(flow[..., 2].mean(), -1, atol=0.1)


@pytest.mark.parametrize("size", [(12, 12), (90, 20)])  # 12: the smallest
def test_flow_does_not_depend_on_the_clip_before(method, size):
    clip = moving_frames((1.5, -0.5), 3, height=36, width=50)[None]
    expected = optical_flow.flow_stacks(clip, method)
    optical_flow.flow_stacks(moving_frames((1, 0), 2, *size)[None], method)
    found = optical_flow.flow_stacks(clip, method)
    np.testing.assert_array_equal(found, expected)


def test_two_threads_give_the_bytes_of_one(method):
    clips = [moving_frames((x, 1), 2, 24, 32)[None] for x in (-1, 0, 1, 2)]
    expected = [optical_flow.flow_stacks(x, method).tobytes() for x in clips]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        flows = threads.map(optical_flow.flow_stacks, clips, [method] * 4)
        found = [flow.tobytes() for flow in flows]
    assert found == expected and len(set(found)) == 4


@pytest.fixture
def opencv_threads():
    """Sets OpenCV's number of threads for a test."""
    before = cv2.getNumThreads()
    yield cv2.setNumThreads
    cv2.setNumThreads(before)


@pytest.mark.programs
def test_bytes_depend_neither_on_opencv_s_threads_nor_on_the_process(
    opencv_threads,
):
    digests = set()
    for num_threads in (1, 2, 5):
        opencv_threads(num_threads)
        digests.add(flow_digest.digest_flow())
    printed = output_of(run_program(flow_digest.__file__))
    assert digests == {printed.strip()}


def test_opencv_s_threads_are_left_as_they_are(opencv_threads, method):
    opencv_threads(3)
    optical_flow.flow_stacks(moving_frames((1, 0), 2)[None], method)
    assert cv2.getNumThreads() == 3


def test_decoded_bytes_are_within_half_a_level():
    flow = np.random.default_rng(0).uniform(-20, 20, (5, 6)).astype(np.float32)
    decoded = optical_flow.decode_flow(optical_flow.encode_flow(flow))
    assert decoded.dtype == np.float32
    assert np.abs(decoded - flow).max() <= 20 / 255 + 1e-6


def test_every_byte_is_the_code_of_its_flow():
    codes = np.arange(256, dtype=np.uint8)
    flow = optical_flow.decode_flow(codes, bound=7.5)
    np.testing.assert_array_equal(flow[[0, 255]], [-7.5, 7.5])
    np.testing.assert_array_equal(optical_flow.encode_flow(flow, 7.5), codes)


def test_what_is_beyond_the_bound_is_stored_as_the_bound():
    codes = optical_flow.encode_flow(np.array([-1e9, -21, 0, 20.5, 1e9]))
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, [0, 0, 128, 255, 255])


def gray_stacks(*shape):
    return np.zeros(shape, np.uint8)


BAD_STACKS = [
    (np.zeros((1, 2, 16, 16), "f4"), ("uint8", "float32 of", "Read L")),
    (gray_stacks(2, 16, 16), ("uint8", "(2, 16, 16)", "Read L")),
    (gray_stacks(1, 1, 16, 16), ("uint8", "(1, 1, 16, 16)", "Read L")),
    ([[1]], ("uint8", "gray=list", "Read L")),
    (gray_stacks(1, 2, 11, 64), ("12 x 12", "(1, 2, 11, 64)", "Resize")),
]


@pytest.mark.parametrize(("gray", "parts"), BAD_STACKS)
def test_other_than_gray_stacks_is_rejected(gray, parts, method):
    with rejects(*parts):
        optical_flow.flow_stacks(gray, method)


def test_other_arguments_are_rejected():
    with rejects("tvl1, dis", "'farneback'", "uses tvl1"):
        optical_flow.flow_stacks(gray_stacks(1, 2, 16, 16), "farneback")
    with rejects("finite floats", "1 not finite", "flow_stacks"):
        optical_flow.encode_flow(np.array([0.0, np.nan]))
    with rejects("finite floats", "int64", "flow_stacks"):
        optical_flow.encode_flow(np.array([3]))
    with rejects("uint8", "int64", "encode_flow"):
        optical_flow.decode_flow(np.array([3]))


@pytest.mark.parametrize("bound", [0, -20, float("nan"), float("inf")])
def test_a_bound_is_above_0(bound):
    with pytest.raises(ValueError, match=f"Received: bound={bound}"):
        optical_flow.encode_flow(np.zeros(3), bound)
    with pytest.raises(ValueError, match=f"Received: bound={bound}"):
        optical_flow.decode_flow(np.zeros(3, np.uint8), bound)


@pytest.mark.parametrize("missing", ["cv2", "cv2.optflow"])
def test_what_to_install_is_said_where_opencv_is_missing(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"(?s)Received.*ac-keras\[media\]"):
        optical_flow.flow_stacks(gray_stacks(1, 2, 16, 16), "dis")
