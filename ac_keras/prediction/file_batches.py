"""The clips of many files as one stream of batches, read ahead."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity.record_framing import FRAMING_BYTES
from ac_keras.prediction.input_files import InputFile

READ_AHEAD = 2  # batches


@dataclasses.dataclass(frozen=True)
class Batch:
    """Clips of one file.

    Attributes:
        features: What the model takes.
        ids: Strings `(batch,)`, bytes in NumPy; empty where a clip has none.
        gaps: int64 `(batch,)`, the broken records of the file before each.
        num_bytes: What the records take in the file; 0 where that is not
            known, as a record has several clips.
    """

    features: dict[str, tf.Tensor]
    ids: np.ndarray
    gaps: np.ndarray
    num_bytes: int


def read_files(
    files: Sequence[InputFile],
    description: Description,
    *,
    batch_size: int,
    sample_size: int = 0,
) -> Iterator[Batch | None]:
    """Reads files one after the other, ahead of whoever takes the batches.

    A batch has clips of one file only, so that what is computed for a file
    does not depend on the others.

    Args:
        files: The files.
        description: What the records hold, with the modalities to read.
        batch_size: Clips in each batch; a file's last one may have fewer.
        sample_size: Frames taken from each clip and modality at equal
            intervals; 0 takes all.

    Yields:
        The first file's batches, then None at its end, then the next file's.

    Raises:
        tf.errors.OpError, UnicodeDecodeError: If the file that has not come
            to its end cannot be read on.
    """
    decode = clip_decoder(description, sample_size)
    stream = _serialized(files, description, batch_size).map(
        lambda clips, gaps: _decode_part(clips, gaps, decode),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    for part in stream.prefetch(READ_AHEAD):
        if part["is_end"]:
            yield None
        else:
            yield Batch(
                part["features"],
                part["id"].numpy(),
                part["gap"].numpy(),
                int(part["num_bytes"]),
            )


def clip_decoder(
    description: Description, sample_size: int
) -> Callable[[tf.Tensor | dict], tuple[tf.Tensor, dict[str, tf.Tensor]]]:
    """Gives a function from a batch of clips to their ids and features.

    It takes what `record_parsing.expand_clips` gives, in batches. A clip without a
    frame is an error: records of another format may look like that.

    Args:
        description: What the records hold.
        sample_size: Frames taken from each clip and modality; 0 takes all.
    """
    decode = batch_decoder(description, None, sample_size)
    counts = [f"{name}_num_frames" for name in description.modalities]

    def decode_clips(batch):
        stored = parsing.parse_records(batch, description, labelled=False)
        features, _ = decode(stored, None)
        has_frames = tf.add_n([features[name] for name in counts]) > 0
        check = tf.debugging.Assert(
            tf.reduce_all(has_frames),
            [
                f"Expected a frame of {' or '.join(description.modalities)}. "
                "Received: none in the clips",
                tf.boolean_mask(stored["id"], ~has_frames),
            ],
        )
        with tf.control_dependencies([check]):
            return tf.identity(stored["id"]), features

    return decode_clips


def _serialized(files, description, batch_size):
    """Gives batches of serialized clips, an empty one at a file's end."""
    runs = [run for file in files for run in file.runs]
    table = tf.constant(np.reshape(runs, (-1, 3)), tf.int64)
    num_runs = tf.constant([len(file.runs) for file in files], tf.int64)
    per_file = {
        "path": [file.path for file in files],
        "first": tf.cumsum(num_runs, exclusive=True),
        "end": tf.cumsum(num_runs),
    }

    def clips_of(path, row):
        run = {"path": path, "offset": row[0], "num_records": row[1]}
        clips = parsing.expand_clips(shards.open_run(run), description)
        gaps = tf.data.Dataset.from_tensors(row[2]).repeat()
        return tf.data.Dataset.zip((clips, gaps))

    def batches_of(file):
        rows = tf.data.Dataset.from_tensor_slices(
            table[file["first"] : file["end"]]
        )
        clips = rows.flat_map(lambda row: clips_of(file["path"], row))
        nothing = tf.nest.map_structure(
            lambda x: tf.zeros([0, *x.shape], x.dtype), clips.element_spec
        )
        end = tf.data.Dataset.from_tensors(nothing)
        return clips.batch(batch_size).concatenate(end)

    return tf.data.Dataset.from_tensor_slices(per_file).flat_map(batches_of)


def _decode_part(clips, gaps, decode):
    ids, features = decode(clips)
    num_bytes = tf.constant(0, tf.int64)
    if not isinstance(clips, dict):
        sizes = tf.cast(tf.strings.length(clips), tf.int64) + FRAMING_BYTES
        num_bytes = tf.reduce_sum(sizes)
    return {
        "is_end": tf.equal(tf.size(gaps), 0),
        "features": features,
        "id": ids,
        "gap": gaps,
        "num_bytes": num_bytes,
    }
