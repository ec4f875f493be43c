"""Requests of frames that are to be refused, and what the error says."""

import numpy as np

from support.requests.good_requests import padded
from support.requests.good_requests import raw_inputs
from support.requests.good_requests import scaled
from support.serving.served_classifier import DIMS

CLIPS = [
    {
        name: np.arange(length * dim, dtype="float32").reshape(length, dim)
        for (name, dim), length in zip(DIMS.items(), lengths, strict=True)
    }
    for lengths in ((3, 2), (2, 0))
]
# Of `rgb`, `audio` and their counts, for two clips of three and two frames.
DENSE = padded(scaled(CLIPS))
SHORT = 4  # frames, the limit of the job `short`


def edited(array, index, value):
    array = array.copy()
    array[index] = value
    return array


NOT_NUMBERS = edited(DENSE["rgb"], (0, 2, 1), np.nan)
# By name: what takes the place of an input, and words of the error.
DENSE_CASES = {
    "wrong_dim": (
        {"rgb": np.zeros((2, 3, 6), "float32")},
        r"Expected rgb of shape \(any, any, 5\)\. Received: shape\] \[2 3 6\]",
    ),
    "wrong_rank": (
        {"audio": np.zeros((2, 4), "float32")},
        r"Expected audio of shape \(any, any, 4\)\. Received: shape\] \[2 4\]",
    ),
    "scalar": (
        {"rgb": np.float32(1)},
        r"Expected rgb of shape \(any, any, 5\)\. Received: shape\] \[\]",
    ),
    "counts_in_a_column": (
        {"rgb_num_frames": np.array([[3], [2]], "int32")},
        r"Expected rgb_num_frames of shape \(any\)\. Received: .*\[2 1\]",
    ),
    "scalar_count": (
        {"rgb_num_frames": np.int32(3)},
        r"Expected rgb_num_frames of shape \(any\)\. Received: shape\] \[\]",
    ),
    "negative_count": (
        {"audio_num_frames": np.array([2, -1], "int32")},
        r"Expected audio_num_frames from 0 .*\[2\] \[Received:\] \[-1\] "
        r"\[for the clips\] \[1\]",
    ),
    "count_over_the_frames": (
        {"rgb_num_frames": np.array([4, 2], "int32")},
        r"Expected rgb_num_frames from 0 to the number of frames in rgb,\] "
        r"\[3\] \[Received:\] \[4\] \[for the clips\] \[0\]",
    ),
    "largest_count": (
        {"rgb_num_frames": np.array([2**31 - 1, 2], "int32")},
        r"Expected rgb_num_frames from 0 .*\[2147483647\]",
    ),
    "unequal_numbers_of_clips": (
        {"audio": np.zeros((3, 2, 4), "float32")},
        r"Expected as many clips in each of .*Received:\] \[2 2 3 2\]",
    ),
    "one_count_for_all_clips": (
        {"rgb_num_frames": np.array([2], "int32")},
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
        {
            "rgb_num_frames": np.array([0, 2], "int32"),
            "audio_num_frames": np.array([0, 2], "int32"),
        },
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
    "wrong_dim": (
        {"rgb": np.zeros((3, 4), "float32")},
        r"Expected rgb of shape \(any, 5\)\. Received: shape\] \[3 4\]",
    ),
    "two_clips": (
        {"rgb": DENSE["rgb"]},
        r"Expected rgb of shape \(any, 5\)\. Received: shape\] \[2 3 5\]",
    ),
    "scalar": (
        {"audio": np.float32(1)},
        r"Expected audio of shape \(any, 4\)\. Received: shape\] \[\]",
    ),
    "nan": (
        {"rgb": NOT_NUMBERS[0]},
        r"Expected finite features of rgb.* Received: NaN.*\[0\]",
    ),
    "no_frame": (
        {name: np.zeros((0, dim), "float32") for name, dim in DIMS.items()},
        "Expected frames in at least one of .* Received: none",
    ),
}


def dense_cases():
    """Gives job, raw request and words by `SIGNATURE-NAME`."""
    cases = {}
    for name, (inputs, words) in DENSE_CASES.items():
        for key in ("serving_default", "attention"):
            raw = raw_inputs(key, {**DENSE, **inputs})
            cases[f"{key}-{name}"] = "animals", raw, words
    for name, (inputs, words) in FRAMES_CASES.items():
        raw = raw_inputs("predict_frames", {**scaled(CLIPS)[0], **inputs})
        cases[f"predict_frames-{name}"] = "animals", raw, words
    return {**cases, **_name_cases()}


def _name_cases():
    """Inputs of wrong names; a server refuses them by itself."""
    words, cases = "input size does not match signature", {}
    for key, inputs in (
        ("serving_default", DENSE),
        ("attention", DENSE),
        ("predict_frames", scaled(CLIPS)[0]),
    ):
        fewer = {name: x for name, x in inputs.items() if name != "audio"}
        more = {**inputs, "video": inputs["rgb"]}
        for name, changed in (("fewer_inputs", fewer), ("more_inputs", more)):
            raw = raw_inputs(key, changed)
            cases[f"{key}-{name}"] = "animals", raw, words
    return cases
