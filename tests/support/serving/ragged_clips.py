"""Clips of unlike lengths, what the model says of them, and their records."""

import numpy as np

from ac_keras import attention_model
from ac_keras.pipeline import Clip
from ac_keras.pipeline import encode_clip
from support.serving.served_classifier import CLUSTERS
from support.serving.served_classifier import DESCRIPTION
from support.serving.served_classifier import DIMS


def draw_ragged(num_clips, longest=6, seed=0):
    """Clips of up to so many frames; some lack the one or other modality."""
    rng = np.random.default_rng(seed)
    clips = []
    for index in range(num_clips):
        clip = {
            name: rng.normal(size=(rng.integers(1, longest + 1), dim))
            for name, dim in DIMS.items()
        }
        if index % 4 == 1:
            clip["rgb"] = clip["rgb"][:0]
        if index % 4 == 2:
            clip["audio"] = clip["audio"][:0]
        # As records hold them.
        clip["rgb"] = clip["rgb"].astype("float16").astype("float64")
        clips.append(clip)
    return clips


def expect_probabilities(model, clips):
    """The model's own, a clip at a time without any padding."""
    return np.stack(
        [
            np.asarray(model(as_inputs(clip), training=False))[0]
            for clip in clips
        ]
    )


def expect_attention(model, clip):
    """By modality `(num_units, num_frames)` of one clip."""
    outputs = attention_model(model)(as_inputs(clip), training=False)
    return {
        name: np.asarray(outputs[f"{name}_attention"])[0] for name in CLUSTERS
    }


def as_inputs(clip):
    inputs = {}
    for name in DIMS:
        inputs[name] = np.asarray(clip[name], np.float32)[None]
        inputs[f"{name}_num_frames"] = np.int32([len(clip[name])])
    return inputs


def as_record(clip):
    """The clip as a serialized example."""
    example = encode_clip(Clip("clip", (0,), clip), DESCRIPTION)
    return example.SerializeToString()
