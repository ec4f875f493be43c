"""A classifier of two modalities, its class names, and clips for it."""

import keras
import numpy as np
import tensorflow as tf

from ac_keras import attention_model
from ac_keras import cluster_classifier
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import encode_clip

DIMS = {"rgb": 5, "audio": 4}
CLUSTERS = {"rgb": 3, "audio": 2}
CLASS_NAMES = ("cat", "dog", "grey wolf", "naïve owl", "fox", "ox", "bee")
DESCRIPTION = Description(
    "animals",
    CLASS_NAMES,
    {"rgb": Modality(5, "float16"), "audio": Modality(4)},
)


def make_classifier(seed=0, **kwargs):
    """A classifier with random weights, so that clips get different classes.

    It standardizes frames, which are given as they are everywhere.
    """
    model = cluster_classifier(
        DIMS, CLUSTERS, len(CLASS_NAMES), standardize="scale", **kwargs
    )
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    model.set_statistics(
        {name: np.linspace(-0.2, 0.3, dim) for name, dim in DIMS.items()},
        {name: np.linspace(0.5, 1.5, dim) for name, dim in DIMS.items()},
    )
    return model


def make_mixed_classifier():
    """The classifier under the policy mixed_bfloat16."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return make_classifier()
    finally:
        keras.config.set_dtype_policy(before)


def make_nan_classifier():
    """The classifier with NaN as its weights."""
    model = make_classifier()
    model.set_weights([np.full(w.shape, np.nan) for w in model.weights])
    return model


def draw_clips(batch, rgb, audio, seed=0):
    """Inputs of clips of up to so many frames; the last has no audio."""
    rng = np.random.default_rng(seed)
    inputs = {}
    for (name, dim), length in zip(DIMS.items(), (rgb, audio), strict=True):
        frames = rng.normal(size=(batch, length, dim)).astype("float32")
        counts = rng.integers(1, length + 1, batch).astype("int32")
        counts[0] = length
        counts[-1] = 0 if name == "audio" else counts[-1]
        frames[np.arange(length) >= counts[:, None]] = 7.0  # padding
        inputs[name], inputs[f"{name}_num_frames"] = frames, counts
    return inputs


def as_batches(*pairs):
    """Pairs of features and labels as a dataset of different batch sizes."""

    def generate():
        for inputs, labels in pairs:
            yield inputs, np.asarray(labels, "int32")

    specs = {}
    for name, dim in DIMS.items():
        specs[name] = tf.TensorSpec((None, None, dim), tf.float32)
        specs[f"{name}_num_frames"] = tf.TensorSpec((None,), tf.int32)
    signature = (specs, tf.TensorSpec((None,), tf.int32))
    return tf.data.Dataset.from_generator(generate, output_signature=signature)


def draw_ragged(num_clips, longest=6, seed=0):
    """Clips of 1 to `longest` frames; every fourth lacks one modality."""
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


def padded(clips, slack=0):
    """The inputs of `serving_default`, with `slack` frames of padding."""
    inputs = {}
    for name, dim in DIMS.items():
        counts = [len(clip[name]) for clip in clips]
        frames = np.full((len(clips), max(counts) + slack, dim), 7, "float32")
        for row, clip in enumerate(clips):
            frames[row, : counts[row]] = clip[name]
        inputs[name] = frames
        inputs[f"{name}_num_frames"] = np.array(counts, "int32")
    return inputs


def expect_probabilities(model, clips):
    """Probabilities of the Keras model, for each clip without padding."""
    return np.stack(
        [np.asarray(model(padded([x]), training=False))[0] for x in clips]
    )


def expect_attention(model, clip):
    """Attention of one clip by modality, `(num_units, num_frames)`."""
    outputs = attention_model(model)(padded([clip]), training=False)
    return {
        name: np.asarray(outputs[f"{name}_attention"])[0] for name in CLUSTERS
    }


def as_record(clip):
    """The clip as a serialized example."""
    example = encode_clip(Clip("clip", (0,), clip), DESCRIPTION)
    return example.SerializeToString()
