"""What is broken in a file of records, and the file without it."""

import bisect
import dataclasses

import tensorflow as tf

from ac_keras.pipeline import records
from ac_keras.pipeline.file_scan import Damage
from ac_keras.pipeline.file_scan import FileScan
from ac_keras.pipeline.manifest import Description
from ac_keras.prediction.file_batches import clip_decoder
from ac_keras.prediction.input_files import InputFile
from ac_keras.prediction.input_files import damage_at_beginning


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
    scan = FileScan(file.path, _clip_counter(description, sample_size))
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
    scan = FileScan(file.path, _clip_counter(description, sample_size))
    found = list(scan.damage())
    broken = [damage.offset for damage in found]
    runs = tuple(
        (start, count, bisect.bisect(broken, start))
        for start, count in scan.runs
    )
    return dataclasses.replace(file, runs=runs), found


def _clip_counter(description, sample_size):
    """Gives a function that decodes records as the reader does."""
    decode = clip_decoder(description, sample_size)

    def count(serialized):
        dataset = tf.data.Dataset.from_tensor_slices(serialized)
        clips = records.expand_clips(dataset, description)
        return sum(
            len(decode(batch)[0]) for batch in clips.batch(len(serialized))
        )

    return count
