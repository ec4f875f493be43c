"""Warm-up requests, which a server runs before it takes others.

TensorFlow prepares the graph of a signature at its first request, which takes
far longer than later ones. TensorFlow Serving runs the requests that are
stored with a version before it reports the version as available.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import logging

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import encode_clip
from ac_keras.pipeline.formats import mediasequence
from ac_keras.serving.signatures import ATTENTION
from ac_keras.serving.signatures import CLASSIFY
from ac_keras.serving.signatures import EXAMPLES
from ac_keras.serving.signatures import ONE_CLIP
from ac_keras.serving.signatures import SEQUENCES
from ac_keras.serving.signatures import SERVING_DEFAULT

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
BATCH_SIZES = (1, 8)
NUM_FRAMES = 16


def write_requests(
    saved_model: pathlib.Path,
    description: Description,
    sequence_format: str | None,
    max_num_frames: int,
) -> None:
    """Writes requests of one clip and of several to every signature.

    Logs a warning instead where `tensorflow-serving-api`, which the extra
    `ac-keras[serving]` installs, is missing. `sequence_format` is None where
    there is no signature of sequences.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError as error:
        logging.warning(
            "Expected tensorflow-serving-api, to write warm-up requests. "
            "Received: %s. The SavedModel is valid without them; install "
            "ac-keras[serving] to write them.",
            error,
        )
        return
    num_frames = min(NUM_FRAMES, max_num_frames)
    path = saved_model / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch_size in BATCH_SIZES:
            clips = _draw_clips(description, batch_size, num_frames)
            requests = _requests(clips, description, sequence_format)
            for signature, inputs in requests.items():
                log = prediction_log_pb2.PredictionLog()
                _fill(log, signature, inputs)
                writer.write(log.SerializeToString(deterministic=True))


def _draw_clips(description, batch_size, num_frames):
    """Returns random float32 `(batch, num_frames, dim)` by modality."""
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal(
            (batch_size, num_frames, modality.dim), np.float32
        )
        for name, modality in description.modalities.items()
    }


def _requests(clips, description, sequence_format):
    """Returns the inputs of each signature; of `classify`, the examples."""
    frames = next(iter(clips.values()))
    batch_size, num_frames = frames.shape[:2]
    rows = [
        {name: x[row] for name, x in clips.items()} for row in range(batch_size)
    ]
    dense = dict(clips)
    for name in clips:
        dense[f"{name}_num_frames"] = np.full(batch_size, num_frames, np.int32)
    examples = [encode_clip(Clip("", (0,), x), description) for x in rows]
    records = [x.SerializeToString(deterministic=True) for x in examples]
    requests = {
        SERVING_DEFAULT: dense,
        ATTENTION: dense,
        ONE_CLIP: rows[0],
        EXAMPLES: {"examples": records},
        CLASSIFY: examples,
    }
    if sequence_format is not None:
        sequences = [_sequence(x, description, sequence_format) for x in rows]
        requests[SEQUENCES] = {"examples": sequences}
    return requests


def _fill(log, signature, inputs):
    if signature == CLASSIFY:
        request = log.classify_log.request
        request.input.example_list.examples.extend(inputs)
    else:
        request = log.predict_log.request
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    request.model_spec.signature_name = signature


def _sequence(row, description, sequence_format):
    """Serializes a clip as a `tf.SequenceExample`."""
    example = tf.train.SequenceExample()
    for name, modality in description.modalities.items():
        key, as_floats = name, sequence_format == "mediasequence"
        if as_floats:
            key = mediasequence.feature_key(description.settings, name)
        steps = example.feature_lists.feature_list[key].feature
        for frame in row[name]:
            if as_floats:
                steps.add().float_list.value.extend(frame)
            else:
                stored = modality.encode(frame[None])
                steps.add().bytes_list.value.append(stored)
    return example.SerializeToString(deterministic=True)
