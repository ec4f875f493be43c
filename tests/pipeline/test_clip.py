"""A clip's record, and its features: bit for bit or within half a level."""

import json
import re

import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Modality
from ac_keras.pipeline import decode_clip
from ac_keras.pipeline import encode_clip
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import expected_features
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize

FRAMES = np.array([[1, 2, 3], [4.5, -0.0, 1e-45]], "float32")


def make_clip(labels=(2,), **frames):
    return Clip("c7", labels, frames or {"rgb": FRAMES})


@pytest.mark.parametrize("labels", [(), (3,), (3, 0, 2)])
@pytest.mark.parametrize("absent", [(), ("audio", "flow")])
def test_a_record_has_all_labels_and_bytes_in_each_modalitys_dtype(
    labels, absent
):
    description = describe(THREE, multi_label=True)
    frames = {
        "rgb": FRAMES,
        "audio": np.array([[0.5, -2.0]], "float16"),
        "flow": np.array([[1, 2, 3, 255]], np.uint8),
    }
    stored = {
        "rgb": pack(FRAMES),
        "audio": pack(frames["audio"], "e"),
        "flow": bytes((1, 2, 3, 255)),
    }
    for name in absent:
        del frames[name]
        stored[name] = b""
    id = "Hürden/№ 1"  # stored as UTF-8
    example = encode_clip(Clip(id, labels, frames), description)
    expected = make_example(id, labels, **stored)
    assert serialize(example) == serialize(expected)
    clip = decode_clip(example, description)
    assert (clip.id, clip.labels) == (id, labels)
    for name, modality in THREE.items():
        count = len(frames.get(name, ()))
        assert clip.frames[name].shape == (count, modality.dim)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_clip_comes_back(seed, multi_label):
    description = describe(THREE, multi_label=multi_label)
    (clip,) = draw_clips(description, 1, seed)
    back = decode_clip(encode_clip(clip, description), description)
    assert (back.id, back.labels) == (clip.id, clip.labels)
    for name, modality in THREE.items():
        expected = expected_features(clip, name, modality)
        np.testing.assert_allclose(back.frames[name], expected, atol=1e-6)
        if modality.dtype != "uint8":
            assert back.frames[name].tobytes() == clip.frames[name].tobytes()


BAD_CLIPS = {
    "several labels": (make_clip((0, 1)), "one label", "labels=(0, 1)"),
    "no label": (make_clip(()), "one label", "labels=()"),
    "a label too high": (make_clip((4,)), "from 0 to 3", "labels=(4,)"),
    "a negative label": (make_clip((-1,)), "from 0 to 3", "labels=(-1,)"),
    "unknown modality": (make_clip(depth=FRAMES), "['rgb']", "['depth']"),
    "wrong dim": (make_clip(rgb=FRAMES[:, :2]), "(num_frames, 3)", "(2, 2)"),
    "not a number": (
        make_clip(rgb=np.full_like(FRAMES, np.nan)),
        "finite",
        "frame 0",
    ),
    "a label twice of several": (
        make_clip((1, 3, 1)),
        "each label once",
        "(1, 3, 1)",
    ),
    "a high label of several": (
        make_clip((1, 4)),
        "from 0 to 3",
        "labels=(1, 4)",
    ),
}


@pytest.mark.parametrize("case", BAD_CLIPS)
def test_a_bad_clip_is_refused_by_its_id_and_fault(case):
    clip, expected, received = BAD_CLIPS[case]
    message = f"'c7'.*expects.*{re.escape(expected)}.*{re.escape(received)}"
    with pytest.raises(ValueError, match=message):
        encode_clip(clip, describe(multi_label=case.endswith("of several")))


def test_an_error_of_the_features_names_their_modality():
    clip = make_clip(rgb=FRAMES, audio=np.full((2, 2), 1e9))
    with pytest.raises(ValueError, match="'c7', modality 'audio'.*float16"):
        encode_clip(clip, describe(THREE))


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
    """Whatever their layout and byte order in memory; float64 is rounded."""
    frames = exact = np.array([UNUSUAL[dtype]], dtype)
    assert len(set(bits(frames)[0])) == frames.size
    if seed is not None:
        frames, exact = draw_frames(seed, dtype), draw_frames(seed, "float64")
    modality = Modality(frames.shape[1], dtype)
    for same in (
        frames,
        exact,
        np.asfortranarray(frames),
        frames.astype(frames.dtype.newbyteorder(">")),
        np.repeat(frames, 2, axis=0)[::2],
    ):
        assert modality.encode(same) == pack(frames, STRUCT_CODES[dtype])
    decoded = modality.decode(modality.encode(frames))
    assert decoded.dtype == dtype
    assert bits(decoded) == bits(frames)


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
    expected = np.linspace(-3, 5, 256).reshape((2, 128))
    np.testing.assert_allclose(decoded, expected, atol=1e-6)
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
