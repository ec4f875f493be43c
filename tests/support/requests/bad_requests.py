"""Requests that a server rejects, and patterns of the errors."""

import numpy as np
import tensorflow as tf

from ac_keras.serving import checks
from support.requests.good_requests import as_examples
from support.requests.good_requests import as_sequences
from support.requests.good_requests import good_requests
from support.requests.good_requests import scaled
from support.requests.good_requests import whole_clips
from support.serving.served_classifier import DIMS
from support.serving.served_classifier import padded
from support.serving.server_answers import raw_classify
from support.serving.server_answers import raw_predict

CLIPS = whole_clips(np.random.default_rng(0), ((3, 2), (2, 0)))
# Of `rgb`, `audio` and their counts, for two clips of three and two frames.
DENSE = padded(scaled(CLIPS))
SHORT = 4  # frames, the limit of the job `short`


def edited(array, index, value):
    array = array.copy()
    array[index] = value
    return array


NOT_NUMBERS = edited(DENSE["rgb"], (0, 2, 1), np.nan)


def of_shape(name, expected, *shape):
    """An input of a wrong shape, and a pattern of the error."""
    received = " ".join(map(str, shape))
    words = rf"Expected {name} of shape \({expected}\)\. Received: shape\] "
    dtype = "int32" if name.endswith("_num_frames") else "float32"
    return {name: np.zeros(shape, dtype)}, rf"{words}\[{received}\]"


def of_counts(**counts):
    return {
        f"{name}_num_frames": np.array(values, "int32")
        for name, values in counts.items()
    }


# By name: replacements of inputs, and a pattern of the error.
DENSE_CASES = {
    "wrong_dim": of_shape("rgb", "any, any, 5", 2, 3, 6),
    "wrong_rank": of_shape("audio", "any, any, 4", 2, 4),
    "scalar": of_shape("rgb", "any, any, 5"),
    "counts_in_a_column": of_shape("rgb_num_frames", "any", 2, 1),
    "scalar_count": of_shape("rgb_num_frames", "any"),
    "negative_count": (
        of_counts(audio=[2, -1]),
        r"Expected audio_num_frames from 0 .*\[2\] \[Received:\] \[-1\] "
        r"\[for the clips\] \[1\]",
    ),
    "count_over_the_frames": (
        of_counts(rgb=[4, 2]),
        r"Expected rgb_num_frames from 0 to the number of frames in rgb,\] "
        r"\[3\] \[Received:\] \[4\] \[for the clips\] \[0\]",
    ),
    "largest_count": (
        of_counts(rgb=[2**31 - 1, 2]),
        r"Expected rgb_num_frames from 0 .*\[2147483647\]",
    ),
    "unequal_numbers_of_clips": (
        {"audio": np.zeros((3, 2, 4), "float32")},
        r"Expected as many clips in each of .*Received:\] \[2 2 3 2\]",
    ),
    "one_count_for_all_clips": (
        of_counts(rgb=[2]),
        r"Expected as many clips in each of .*Received:\] \[2 1 2 2\]",
    ),
    "no_clip": (
        {name: x[:0] for name, x in DENSE.items()},
        "Expected at least one clip. Received: none",
    ),
    "nan": (
        {"rgb": NOT_NUMBERS},
        r"Expected finite features of rgb.* Received: NaN.*\[0\]",
    ),
    "infinity": (
        {"rgb": edited(DENSE["rgb"], (1, 0, 4), -np.inf)},
        r"Expected finite features of rgb.* Received: NaN, infinity.*\[1\]",
    ),
    "beyond_float32_squares": (
        {"rgb": edited(DENSE["rgb"], (1, 0, 4), 1e25)},
        r"Expected finite features of rgb, .* Received: .*\[1\]",
    ),
    "no_frame": (
        of_counts(rgb=[0, 2], audio=[0, 2]),
        r"Expected frames in at least one of .* Received: none for the "
        r"clips\] \[0\]",
    ),
    "doubles": (
        {"rgb": DENSE["rgb"].astype("float64")},
        "double vs. expect float",
    ),
    "long_counts": (
        {"rgb_num_frames": np.array([3, 2], "int64")},
        "int64 vs. expect int32",
    ),
}
FRAMES_CASES = {
    "wrong_dim": of_shape("rgb", "any, 5", 3, 4),
    "two_clips": of_shape("rgb", "any, 5", 2, 3, 5),
    "scalar": of_shape("audio", "any, 4"),
    "nan": (
        {"rgb": NOT_NUMBERS[0]},
        r"Expected finite features of rgb.* Received: NaN.*\[0\]",
    ),
    "no_frame": (
        {name: np.zeros((0, dim), "float32") for name, dim in DIMS.items()},
        "Expected frames in at least one of .* Received: none",
    ),
}
FRAMES = scaled(CLIPS)[0]


def dense_cases():
    """Job, raw request and words by `SIGNATURE-NAME`."""
    named = "input size does not match signature"  # which the server checks
    cases = {}
    for key, inputs, changes in (
        ("serving_default", DENSE, DENSE_CASES),
        ("attention", DENSE, DENSE_CASES),
        ("predict_frames", FRAMES, FRAMES_CASES),
    ):
        fewer = {name: x for name, x in inputs.items() if name != "audio"}
        requests = {
            **{name: ({**inputs, **x}, y) for name, (x, y) in changes.items()},
            "fewer_inputs": (fewer, named),
            "more_inputs": ({**inputs, "video": inputs["rgb"]}, named),
        }
        for name, (changed, words) in requests.items():
            raw = raw_predict(key, changed)
            cases[f"{key}-{name}"] = "animals", raw, words
    return cases


LONG = whole_clips(np.random.default_rng(0), [(SHORT + 1, SHORT + 1)])
TOO_LONG = (
    rf"Expected clips of at most {SHORT} frames of rgb.*Received:\] \[5\]"
)


def with_features(example, **features):
    """A copy of a record with other features; None leaves one out."""
    copy = tf.train.Example()
    copy.CopyFrom(example)
    for name, value in features.items():
        copy.features.feature.pop(name)
        if value is not None:
            copy.features.feature[name].CopyFrom(value)
    return copy


def of_bytes(*values):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


FLOATS = tf.train.Feature(float_list=tf.train.FloatList(value=[1.0] * 15))
NAN = np.full((1, 5), np.nan, "float16").tobytes()
GOOD, OTHER = as_examples(CLIPS, "animals")
# By name: an Example in place of a clip, and words of the error.
EXAMPLE_CASES = {
    "no_key": (with_features(GOOD, audio=None), "audio.* is required"),
    "floats_for_bytes": (with_features(GOOD, rgb=FLOATS), "rgb.*[Dd]ata type"),
    "two_values": (with_features(GOOD, rgb=of_bytes(b"", b"")), "rgb"),
    "byte_count": (
        with_features(GOOD, rgb=of_bytes(b"12345678901")),
        "Expected a whole number of frames of 10 bytes",
    ),
    "no_frame": (
        with_features(GOOD, rgb=of_bytes(b""), audio=of_bytes(b"")),
        r"Expected frames in at least one of .* Received: none for the "
        r"clips\] \[1\]",
    ),
    "nan": (
        with_features(GOOD, rgb=of_bytes(NAN)),
        "Expected finite features of .*rgb.* Received: NaN",
    ),
}
TEXT = GOOD.SerializeToString()
# A bytes value that claims 2**31 bytes: TensorFlow's parser of Examples dies
# of it. Around it its feature, the map's entry, and the messages of these.
CLAIM = b"\x0a\x06\x0a\x80\x80\x80\x80\x08"
CLAIMING_EXAMPLE = b"\x0a\x11\x0a\x0f\x0a\x03rgb\x12\x08" + CLAIM
CLAIMING_VIDEO = b"\x12\x13\x0a\x11\x0a\x03rgb\x12\x0a\x0a\x08" + CLAIM
# The same, of strings that a client can only send by Predict.
STRING_CASES = {
    "truncated": (TEXT[:-3], "Expected serialized .*Example"),
    "other_format": (bytes(range(256)), "Expected serialized .*Example"),
    "claimed_length": (CLAIMING_EXAMPLE, "Unable to parse binary"),
    "empty_string": (b"", "is required but could not be found"),
    **{n: (x.SerializeToString(), y) for n, (x, y) in EXAMPLE_CASES.items()},
}
VIDEO, _ = as_sequences(CLIPS)


def video(*steps):
    """A serialized video whose `rgb` has these features."""
    example = tf.train.SequenceExample()
    example.feature_lists.feature_list["rgb"].feature.extend(steps)
    return example.SerializeToString()


SEQUENCE_CASES = {
    "truncated": (VIDEO[:-3], "Expected serialized .*Example"),
    "other_format": (bytes(range(256)), "Expected serialized .*Example"),
    "empty_string": (b"", r"Received: none for the clips\] \[1\]"),
    "claimed_length": (CLAIMING_VIDEO, "Unable to parse binary"),
    "an_example": (TEXT, r"Received: none for the clips\] \[1\]"),
    "short_frame": (video(of_bytes(b"1234")), "Expected frames of 5 bytes"),
    "long_frame": (video(of_bytes(b"123456")), "Expected frames of 5 bytes"),
    "two_values": (
        video(of_bytes(b"12345", b"12345")),
        "Expected 1 values of string in each frame of ..rgb",
    ),
    "empty_step": (
        video(of_bytes(b"12345"), of_bytes()),
        "Expected 1 values of string in each frame of ..rgb",
    ),
    "floats_for_bytes": (video(FLOATS), "rgb"),
}


def record_cases():
    """Job, raw request and words by `SIGNATURE-NAME`."""
    cases = {}
    first = OTHER.SerializeToString()
    for name, (record, words) in STRING_CASES.items():
        raw = raw_predict("from_examples", {"examples": [first, record]})
        cases[f"from_examples-{name}"] = "animals", raw, words
        raw = raw_predict("classify", {"inputs": [first, record]})
        cases[f"classify_by_predict-{name}"] = "animals", raw, words
    for name, (example, words) in EXAMPLE_CASES.items():
        raw = raw_classify([OTHER, example])
        cases[f"classify-{name}"] = "animals", raw, words
    cases["classify-no_clip"] = "animals", raw_classify([]), "Input is empty"
    for name, (record, words) in SEQUENCE_CASES.items():
        raw = raw_predict(
            "from_sequence_examples", {"examples": [VIDEO, record]}
        )
        cases[f"from_sequence_examples-{name}"] = "videos", raw, words
    return {**cases, **_shape_cases(), **_long_cases()}


def _shape_cases():
    """Strings in a tensor of another shape."""
    cases = {}
    for key, name, job in (
        ("from_examples", "examples", "animals"),
        ("classify", "inputs", "animals"),
        ("from_sequence_examples", "examples", "videos"),
    ):
        for case, strings, words in (
            ("scalar", TEXT, rf"Expected {name} of shape \(any\)\. .*\[\]"),
            ("wrong_rank", [[TEXT]], rf"Expected {name} of .*\[1 1\]"),
            ("no_clip", np.array([], object), "Expected at least one .*none"),
            ("numbers", np.float32([1]), "float vs. expect string"),
        ):
            raw = raw_predict(key, {name: strings})
            cases[f"{key}-{case}"] = job, raw, words
    return cases


def _long_cases():
    """Clips over the limit of a model that takes short ones."""
    return {
        f"{key}-too_long": ("short", raw, TOO_LONG)
        for key, raw in good_requests(LONG, "short").items()
    }


VAST_NUM_FRAMES = 1_000_000
MAX_NUM_FRAMES = 10_000  # of the models
# Decoded, each of these clips would be padded to the long one: 0.8 GiB for
# `rgb` alone.
NUM_SHORT = 40


def vast_cases():
    """Job, raw request and words by `SIGNATURE-NAME`."""
    too_long = (
        rf"Expected clips of at most {MAX_NUM_FRAMES} frames of (rgb|audio)"
        rf".*Received:\] \[{VAST_NUM_FRAMES}\]"
    )
    clips = 1 + checks.DECODED_BYTES // (4 * DIMS["rgb"] * MAX_NUM_FRAMES)
    too_many = (
        r"Expected at most \d+ frames of rgb in a request, each clip padded.*"
        rf"\[{clips} {MAX_NUM_FRAMES}\].*Send fewer clips"
    )
    dense = {}
    for name, dim in DIMS.items():
        dense[name] = np.zeros((1, VAST_NUM_FRAMES, dim), "float32")
        dense[f"{name}_num_frames"] = np.array([1], "int32")
    raw = raw_predict("serving_default", dense)
    cases = {"serving_default-vast": ("animals", raw, too_long)}
    for key, job, make in (
        ("from_examples", "animals", _vast_example),
        ("from_sequence_examples", "videos", _vast_video),
    ):
        for case, num_frames, num_short, words in (
            ("vast", VAST_NUM_FRAMES, NUM_SHORT, too_long),
            ("many", MAX_NUM_FRAMES, clips - 1, too_many),
        ):
            records = [make(num_frames)] + num_short * [make(1)]
            raw = raw_predict(key, {"examples": records})
            cases[f"{key}-{case}"] = job, raw, words
    return cases


def _vast_example(num_frames):
    sizes = {"rgb": 2 * DIMS["rgb"], "audio": 4 * DIMS["audio"]}
    values = {n: of_bytes(bytes(num_frames * x)) for n, x in sizes.items()}
    return tf.train.Example(
        features=tf.train.Features(feature=values)
    ).SerializeToString()


def _vast_video(num_frames):
    """A video without audio."""
    step = tf.train.FeatureList(feature=[of_bytes(bytes(DIMS["rgb"]))])
    example = tf.train.SequenceExample()
    example.feature_lists.feature_list["rgb"].MergeFromString(
        step.SerializeToString() * num_frames
    )
    return example.SerializeToString()
