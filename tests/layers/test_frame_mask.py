"""FrameMask: a count of frames becomes a mask."""

import keras
import numpy as np
import pytest

from ac_keras import FrameMask
from ac_keras import ShiftingCluster
from support.error_parts import error_parts

FRAMES = np.ones((4, 3, 5), "float32")


def mask_of(num_frames, frames=FRAMES):
    return np.asarray(FrameMask()(frames, np.asarray(num_frames)))


def test_keeps_the_first_frames():
    expected = [
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]
    np.testing.assert_array_equal(mask_of([0, 1, 2, 3]), expected)


def test_a_count_beyond_the_frames_keeps_them_all():
    np.testing.assert_array_equal(mask_of([3, 4, 9, 300]), np.ones((4, 3)))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_takes_every_integer_dtype(dtype):
    mask = mask_of(np.array([1, 0, 3, 2], dtype))
    np.testing.assert_array_equal(mask.sum(1), [1, 0, 3, 2])


def test_a_cluster_takes_its_mask():
    frames = np.random.default_rng(0).normal(size=(2, 3, 5))
    layer = ShiftingCluster(2)
    masked = layer(frames, mask=FrameMask()(frames, np.array([2, 3])))
    np.testing.assert_allclose(masked[:1], layer(frames[:1, :2]), atol=1e-6)
    np.testing.assert_allclose(masked[1:], layer(frames[1:]), atol=1e-6)
    assert np.abs(masked).max() > 0.1


def test_the_symbolic_mask_is_bool_of_the_frames_shape():
    mask = FrameMask()(
        keras.Input((7, 5), batch_size=4),
        keras.Input((), batch_size=4, dtype="int32"),
    )
    assert (mask.shape, mask.dtype) == ((4, 7), "bool")


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 1), "int32"), ((), "int32"), ((4,), "float32")]
)
def test_counts_that_do_not_fit_are_named(shape, dtype):
    message = error_parts(
        "integers of shape (batch,)", f"shape={shape}, dtype={dtype}", ". "
    )
    with pytest.raises(ValueError, match=message):
        FrameMask()(FRAMES, np.ones(shape, dtype))


@pytest.mark.parametrize("batch", [1, 3])
def test_counts_for_another_batch_are_named(batch):
    message = error_parts("(batch,)", f"shape=({batch},)", ". ")
    with pytest.raises(ValueError, match=message):
        FrameMask()(FRAMES, np.ones(batch, "int32"))
