"""What is broken in a file of records, and the file without it."""

import bisect
import dataclasses

import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.pipeline.integrity.damage import FileScan
from ac_keras.prediction.file_batches import clip_decoder
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.input_files import damage_at_beginning

CHECKED_AT_ONCE = 128


def first_damage(
    file: InputFile,
    description: Description,
    sample_size: int,
    offset: int = 0,
) -> Damage | None:
    """Gives the first place of a file that cannot be read, if there is one.

    Args:
        file: The file.
        description: What the records hold, with the modalities to read.
        sample_size: Frames taken from each clip; others are not looked at.
        offset: The first byte of a record; all before it is sound.
    """
    if not file.num_bytes:
        return damage_at_beginning(file)
    scan = _scan(file, description, sample_size)
    return next(scan.damage(offset), None)


def without_damage(
    file: InputFile, description: Description, sample_size: int
) -> tuple[InputFile, list[Damage]]:
    """Gives the file with its sound records only, and what is broken in it.

    Args:
        file: The file; all of it is read.
        description: What the records hold, with the modalities to read.
        sample_size: Frames taken from each clip; others are not looked at.
    """
    if not file.num_bytes:
        empty = dataclasses.replace(file, runs=())
        return empty, [damage_at_beginning(file)]
    scan = _scan(file, description, sample_size)
    found = list(scan.damage())
    broken = [damage.offset for damage in found]
    runs = tuple(
        (start, count, bisect.bisect(broken, start))
        for start, count in scan.runs
    )
    return dataclasses.replace(file, runs=runs), found


def _scan(file, description, sample_size):
    count = _clip_counter(description, sample_size)
    return FileScan(file.path, count, checked_at_once=CHECKED_AT_ONCE)


def _clip_counter(description, sample_size):
    """Gives a function that decodes records as the reader does."""
    decode = clip_decoder(description, sample_size)

    def batches_of(serialized):
        dataset = tf.data.Dataset.from_tensor_slices(serialized)
        clips = parsing.expand_clips(dataset, description)
        return clips.batch(CHECKED_AT_ONCE)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def count_many(serialized):
        counts = batches_of(serialized).map(lambda x: tf.size(decode(x)[0]))
        return counts.reduce(0, lambda total, count: total + count)

    def count(serialized):
        if len(serialized) > 1:
            return int(count_many(serialized))
        # Slower, but an error says in its first line what is wrong.
        return sum(len(decode(x)[0]) for x in batches_of(serialized))

    return count
