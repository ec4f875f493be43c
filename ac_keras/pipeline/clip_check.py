"""Whether sound records hold clips that can be used."""

import re
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import decoding
from ac_keras.pipeline import parsing
from ac_keras.pipeline.decoding import check_finite
from ac_keras.pipeline.description import Description

# A message that quotes the bytes that it could not parse is no UTF-8.
UNUSABLE = (tf.errors.InvalidArgumentError, UnicodeDecodeError)
NOT_PARSED = "Could not parse example|Invalid protocol message"
UNPARSED = "a record that is no message of its format"


def count_clips(
    serialized: Sequence[bytes],
    description: Description,
    longest: Mapping[str, int],
) -> int:
    """Decodes everything in some records and counts their clips.

    Args:
        serialized: The records.
        description: What they hold.
        longest: Mapping from modality to the longest clip's frames.

    Raises:
        tf.errors.InvalidArgumentError, UnicodeDecodeError: If a clip cannot be
            used, as the readers find it.
    """
    dataset = tf.data.Dataset.from_tensor_slices(serialized)
    clips = parsing.expand_clips(dataset, description)
    num_clips = 0
    for batch in clips.batch(len(serialized)):
        stored = parsing.parse_records(batch, description)
        for name, modality in description.modalities.items():
            num_frames = decoding.count_frames(stored[name], modality)
            slots = tf.minimum(tf.reduce_max(num_frames), longest[name])
            slots = tf.maximum(slots, 1)  # as the reader has
            frames = decoding.decode_all_frames(stored[name], modality, slots)
            check_finite(name, modality, frames, stored["id"])
        num_clips += len(stored["id"])
    return num_clips


def reason_of(error: Exception) -> str:
    """Gives what an error of TensorFlow says, without its surroundings."""
    if isinstance(error, UnicodeDecodeError):
        return UNPARSED
    message = re.sub(r"^\{\{.*?\}\}\s*", "", error.message)
    if re.search(NOT_PARSED, message):
        return UNPARSED
    _, _, said = message.partition("Summarized data: ")
    if not said:
        return message.splitlines()[0].split(" [Op:")[0].rstrip(".")
    lines = said.split(" [Op:")[0].splitlines()
    return re.sub(r"\bb([\"'])(.*?)\1", r"\2", " ".join(lines)).strip()
