"""Batches of a dataset for training and evaluation."""

from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import parsing
from ac_keras.pipeline import shards
from ac_keras.pipeline.decoding import batch_decoder
from ac_keras.pipeline.manifest import Manifest

SHUFFLE_BUFFER = 4096
SHUFFLE_BYTES = 256 * 2**20
_ORDER, _FRAMES = 0, 1  # what a seed decides
_fold_in = tf.random.experimental.stateless_fold_in


def training_batches(
    manifest: Manifest,
    split: str = "train",
    *,
    batch_size: int,
    sample_size: int = 0,
    modalities: Sequence[str] | None = None,
    seed: int = 0,
    first_epoch: int = 0,
    first_step: int = 0,
    shard: tuple[int, int] = (0, 1),
    in_memory: bool = False,
    shuffle_buffer: int | None = None,
    with_ids: bool = False,
    frame_sampling: str = "subset",
) -> tf.data.Dataset:
    """Reads a split endlessly, shuffled, with frames sampled at random.

    Every epoch samples frames again (section 5.3) and has another order. Both
    depend only on the seed and the epoch's number, so a dataset with
    `first_epoch` and `first_step` continues exactly where another one stopped.
    Clips that do not fill a batch are left out, others in every epoch.

    Args:
        manifest: The dataset.
        split: Name of the split.
        batch_size: Number of clips in each batch, over all shards.
        sample_size: Number of frames to sample from each clip and modality; 0
            takes all.
        modalities: Names of the modalities to read; None reads all.
        seed: Integer that decides order and frames.
        first_epoch: Epoch of the first batches.
        first_step: Number of batches of that epoch to skip. Their records are
            read but not parsed.
        shard: Pair `(index, count)`: return the index-th of count equal parts
            of every batch. Processes with the same seed and all shards see
            together the batches that one process sees.
        in_memory: Whether to hold the split's records in memory, in the
            stored dtype, and shuffle all of them. If not, files are read in
            another order every epoch, through a shuffle buffer.
        shuffle_buffer: Number of clips in that buffer. None takes 4096, or
            fewer if they would fill more than 256 MiB.
        with_ids: Whether to return the clips' ids as a third part, strings
            `(batch,)`.
        frame_sampling: `"subset"` samples frames of a clip without
            replacement; `"segments"` samples one frame of each of
            `sample_size` equal segments.

    Returns:
        An endless dataset of `steps_per_epoch` batches an epoch, each a pair
        of features and labels. Features hold, for every modality, float32
        `(batch, num_frames, dim)` and int32 `MODALITY_num_frames` `(batch,)`.
        Labels are int32 `(batch,)`, or float32 `(batch, num_classes)` of 0
        and 1 if the dataset is multi-label.

    Raises:
        ValueError: If the split has fewer clips than a batch, a modality is
            unknown, or the shards are not equal.
    """
    steps = steps_per_epoch(manifest, split, batch_size)  # or raises
    first_row, num_rows = _rows_of(shard, batch_size)
    description = manifest.description.select(modalities)
    longest = manifest.split(split).max_num_frames
    if in_memory:
        shuffled = _resident(manifest, split, description)
    else:
        if shuffle_buffer is None:
            shuffle_buffer = _buffer_clips(manifest, split, batch_size)
        parse = _parser(description, longest, sample_size)
        shuffled = _streamed(
            manifest, split, description, parse, shuffle_buffer
        )
    decode = batch_decoder(
        description,
        longest,
        sample_size,
        first_row,
        batch_size,
        frame_sampling=frame_sampling,
    )

    def epoch_batches(epoch):
        base = tf.stack([tf.constant(seed, tf.int64), epoch])
        order, frames = _fold_in(base, _ORDER), _fold_in(base, _FRAMES)
        first = tf.where(epoch == first_epoch, first_step, 0)
        first = tf.cast(first, tf.int64)
        batches, parse = shuffled(order, batch_size)

        def read(step, batch):
            rows = tf.nest.map_structure(
                lambda x: x[first_row : first_row + num_rows], batch
            )
            return _decoded(
                parse(rows), decode, _fold_in(frames, step), with_ids
            )

        return (
            batches.skip(first)
            .enumerate(first)
            .map(read, num_parallel_calls=tf.data.AUTOTUNE)
            .apply(tf.data.experimental.assert_cardinality(steps - first))
        )

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    batches = epochs.flat_map(epoch_batches).prefetch(tf.data.AUTOTUNE)
    return shards.without_rewrites(batches)


def steps_per_epoch(manifest: Manifest, split: str, batch_size: int) -> int:
    """Counts the whole batches in a split.

    Raises:
        ValueError: If there is none.
    """
    num_clips = manifest.split(split).num_clips
    if batch_size < 1 or num_clips < batch_size:
        raise ValueError(
            "Training expects a batch size from 1 to the split's number of "
            f"clips. Received: batch_size={batch_size} for {num_clips} clips "
            f"in split {split!r} of {manifest.directory}. Choose a smaller one."
        )
    return num_clips // batch_size


def evaluation_batches(
    manifest: Manifest,
    split: str,
    *,
    batch_size: int,
    sample_size: int = 0,
    modalities: Sequence[str] | None = None,
    shard: tuple[int, int] = (0, 1),
    with_ids: bool = False,
) -> tf.data.Dataset:
    """Reads a split once, in its order, with frames at equal intervals.

    Args:
        manifest: The dataset.
        split: Name of the split.
        batch_size: Number of clips in each batch; the last may have fewer.
        sample_size: Number of frames to take from each clip and modality; 0
            takes all.
        modalities: Names of the modalities to read; None reads all.
        shard: Pair `(index, count)`: return every count-th batch, from the
            index-th on.
        with_ids: Whether to return the clips' ids as a third part, strings
            `(batch,)`.

    Returns:
        A dataset of pairs of features and labels, as in `training_batches`.

    Raises:
        ValueError: If a modality is unknown.
    """
    description = manifest.description.select(modalities)
    longest = manifest.split(split).max_num_frames
    decode = batch_decoder(description, longest, sample_size)
    parse = _parser(description, longest, sample_size)
    index, count = shard

    def read(batch):
        return _decoded(parse(batch), decode, None, with_ids)

    runs = shards.shard_runs(manifest, split)
    num_clips = manifest.split(split).num_clips
    clips = shards.read_clips(runs, description, num_clips)
    batches = clips.batch(batch_size).shard(count, index)
    batches = batches.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    return shards.without_rewrites(batches.prefetch(tf.data.AUTOTUNE))


def _decoded(stored, decode, seed, with_ids):
    """Returns features, labels and, if asked for, ids of parsed records."""
    pair = decode(stored, seed)
    return (*pair, stored["id"]) if with_ids else pair


def _rows_of(shard, batch_size):
    """Returns the first row of a shard in a batch and its number of rows."""
    index, count = shard
    if not 0 <= index < count or batch_size % count:
        raise ValueError(
            "Expected shard as (index, count) with index below count and "
            f"batch_size a multiple of count. Received: shard={shard}, "
            f"batch_size={batch_size}."
        )
    num_rows = batch_size // count
    return index * num_rows, num_rows


def _buffer_clips(manifest, split, batch_size):
    """Returns the number of clips in the shuffle buffer."""
    held = manifest.split(split)
    total_bytes = sum(shard.num_bytes for shard in held.shards)
    fitting = SHUFFLE_BYTES * held.num_clips // max(total_bytes, 1)
    # Above a batch, so that the split's end is seen before its last batch.
    return max(min(SHUFFLE_BUFFER, fitting), batch_size + 1)


def _parser(description, longest, sample_size):
    """Returns a function that parses a batch of records."""
    few_frames = all(
        0 < sample_size <= longest[name] / 2 for name in description.modalities
    )
    parse = parsing.locate_records if few_frames else parsing.parse_records
    return lambda batch: parse(batch, description)


def _streamed(manifest, split, description, parse, shuffle_buffer):
    """Returns a function from seed and batch size to batches and a parser."""
    runs = shards.shard_runs(manifest, split)
    num_clips = manifest.split(split).num_clips

    def shuffled(seed, batch_size):
        # Of the function that is traced here, for the shuffle below, which
        # would else mix in the program's own and fails where that is 0.
        tf.random.set_seed(1)
        rank = tf.random.stateless_uniform(tf.shape(runs["path"]), seed)
        order = tf.argsort(rank)
        clips = shards.read_clips(
            {name: tf.gather(x, order) for name, x in runs.items()},
            description,
            num_clips,
            cycle_length=shards.OPEN_SHARDS,
        )
        mixed = tf.cast(seed[0], tf.int64)  # fold_in leaves seed[1] as it is
        clips = clips.shuffle(shuffle_buffer, seed=mixed)
        batches = clips.batch(batch_size, drop_remainder=True)
        return batches, parse

    return shuffled


def _resident(manifest, split, description):
    """Returns the function of `_streamed` for records held in memory."""
    num_clips = manifest.split(split).num_clips
    runs = shards.shard_runs(manifest, split)
    clips = shards.read_clips(runs, description, num_clips).batch(num_clips)
    (batch,) = clips  # To its end, where the number of clips is checked.
    stored = parsing.parse_records(batch, description)

    def shuffled(seed, batch_size):
        rank = tf.random.stateless_uniform((num_clips,), seed)
        rows = tf.data.Dataset.from_tensor_slices(tf.argsort(rank))
        batches = rows.batch(batch_size, drop_remainder=True)
        return batches, lambda row: {
            name: tf.gather(x, row) for name, x in stored.items()
        }

    return shuffled
