"""How features are stored: bit for bit, or within half a level."""

import json
import re

import numpy as np
import pytest

from ac_keras.pipeline import Modality
from support.records.plain_records import pack

STRUCT_CODES = {"float32": "f", "float16": "e"}
# Denormals, signed zeros and extremes.
UNUSUAL = {
    "float32": (-0.0, 0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, 1 / 3),
    "float16": (-0.0, 0.0, 6e-8, -6e-8, 6.1e-5, 65504.0, -65504.0, 1 / 3),
}


each_float = pytest.mark.parametrize("dtype", STRUCT_CODES)
each_dtype = pytest.mark.parametrize("dtype", [*STRUCT_CODES, "uint8"])


def make_modality(dtype, dim=3):
    value_range = (-2.0, 2.0) if dtype == "uint8" else None
    return Modality(dim, dtype, value_range)


def draw_frames(seed, dtype="float32"):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 9, 2)
    return rng.normal(0, 3, shape).astype(dtype)


def bits(frames):
    return frames.view(f"u{frames.itemsize}").tolist()


@each_float
@pytest.mark.parametrize("seed", [None, *range(5)])
def test_floats_are_stored_in_little_endian_bit_for_bit(dtype, seed):
    """Whatever their layout and byte order in memory."""
    frames = np.array([UNUSUAL[dtype]], dtype)
    assert len(set(bits(frames)[0])) == frames.size
    if seed is not None:
        frames = draw_frames(seed, dtype)
    modality = Modality(frames.shape[1], dtype)
    for same in (
        frames,
        np.asfortranarray(frames),
        frames.astype(frames.dtype.newbyteorder(">")),
        np.repeat(frames, 2, axis=0)[::2],
    ):
        assert modality.encode(same) == pack(frames, STRUCT_CODES[dtype])
    decoded = modality.decode(modality.encode(frames))
    assert decoded.dtype == dtype
    assert bits(decoded) == bits(frames)


@each_float
def test_float64_is_rounded_to_the_nearest_number(dtype):
    frames = draw_frames(2, "float64")
    stored = Modality(frames.shape[1], dtype).encode(frames)
    assert stored == pack(frames, STRUCT_CODES[dtype])


@each_dtype
def test_a_modality_comes_back_from_json_with_its_frame_bytes(dtype):
    modality = make_modality(dtype, dim=5)
    values = json.loads(json.dumps(modality.to_json()))
    assert Modality.from_json(values) == modality
    expected = {"float32": 20, "float16": 10, "uint8": 5}[dtype]
    assert modality.frame_bytes == expected
    for num_frames in (0, 3):
        stored = modality.encode(np.ones((num_frames, 5), "float32"))
        assert len(stored) == num_frames * expected
        assert modality.decode(stored).shape == (num_frames, 5)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value_range", [(-2, 2), (0.0, 1e-3), (-7.5, 300)])
def test_uint8_is_at_most_half_a_level_off(value_range, dtype):
    low, high = value_range
    rng = np.random.default_rng(0)
    frames = rng.uniform(low, high, (200, 4)).astype(dtype)
    inside = (low <= frames) & (frames.astype("float64") <= high)
    frames = np.where(inside, frames, np.array(low, dtype))
    modality = Modality(4, "uint8", value_range)
    decoded = modality.decode(modality.encode(frames))
    error = np.abs(decoded.astype("float64") - frames.astype("float64"))
    half_a_level = (high - low) / 510
    assert error.max() <= half_a_level * (1 + 1e-3)
    assert error.max() > half_a_level / 2


@pytest.mark.parametrize("order", ["C", "F"])
def test_uint8_comes_back_as_float32_levels_of_the_range(order):
    modality = Modality(128, "uint8", (-3.0, 5.0))
    levels = np.arange(256, dtype=np.uint8).reshape((2, 128))
    stored = modality.encode(np.array(levels, order=order))
    assert stored == bytes(range(256))  # Levels are stored as they are.
    decoded = modality.decode(stored)
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, -3 + 8 * levels / 255, atol=1e-6)
    assert modality.encode(decoded) == stored
    outside = np.repeat([[-9.0], [1e30]], 128, axis=1)
    assert modality.encode(outside) == bytes([0] * 128 + [255] * 128)


@each_dtype
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_is_refused_with_its_frame(dtype, value):
    frames = np.ones((6, 3), "float32")
    frames[4, 1] = frames[5, 0] = value
    with pytest.raises(ValueError, match="finite.*Received: .* frame 4"):
        make_modality(dtype).encode(frames)


@pytest.mark.parametrize(
    "dtype, value, magnitude",
    [
        ("float16", 65520.0, "6.552e+04"),
        ("float16", -1e9, "1e+09"),
        ("float32", 1e39, "1e+39"),
    ],
)
def test_what_a_dtype_cannot_hold_is_refused_with_its_magnitude(
    dtype, value, magnitude
):
    message = f"{dtype}.*Received: .*{re.escape(magnitude)}"
    with pytest.raises(ValueError, match=message):
        Modality(1, dtype).encode(np.array([[1.0], [value]]))
    rounded_down = Modality(1, "float16").encode([[65519.0]])
    assert rounded_down == pack([[65504]], "e")


@each_dtype
@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3)])
def test_frames_of_another_shape_are_refused(dtype, shape):
    message = re.escape(f"(num_frames, 3). Received: shape={shape}")
    with pytest.raises(ValueError, match=message):
        make_modality(dtype).encode(np.ones(shape, "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "dim of 1 or more.*Received: dim=0"),
        ((-2, "float16"), "dim of 1 or more.*Received: dim=-2"),
        ((3, "int8"), "dtype in .*'uint8'.*Received: .*dtype='int8'"),
        ((3, "float64"), "dtype in .*Received: .*dtype='float64'"),
        ((3, "uint8"), "value_range with uint8.*example.*value_range=None"),
        ((3, "float32", (0, 1)), "value_range with uint8 and only there"),
        ((3, "uint8", (1, 1)), "low below high.*Received: .*\\(1, 1\\)"),
        ((3, "uint8", (2, -2)), "low below high.*Received: .*\\(2, -2\\)"),
        ((3, "uint8", (0.0, np.nan)), "low below high.*Received: .*nan"),
        ((3, "uint8", (0.0, np.inf)), "value_range.*Received: .*inf"),
        ((3, "uint8", (-np.inf, 0.0)), "value_range.*Received: .*inf"),
    ],
)
def test_attributes_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=f"Modality expects .*{message}"):
        Modality(*arguments)
