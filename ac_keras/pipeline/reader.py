"""Datasets as batches for training and for evaluation."""

from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import records
from ac_keras.pipeline import sampling
from ac_keras.pipeline.manifest import Manifest

SHUFFLE_BUFFER = 4096
OPEN_SHARDS = 8
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
    in_memory: bool = False,
    shuffle_buffer: int = SHUFFLE_BUFFER,
) -> tf.data.Dataset:
    """Reads a split again and again, shuffled, sampling frames at random.

    Every epoch draws other frames of each clip (section 5.3) and has another
    order. Both follow from the seed and the epoch's number alone. Clips that
    do not fill a batch are left out; which ones differs from epoch to epoch.

    Args:
        manifest: The dataset.
        split: The split's name.
        batch_size: Clips in each batch.
        sample_size: Frames drawn from each clip and modality; 0 takes all.
        modalities: The modalities to read; None reads all.
        seed: Integer that decides order and frames.
        first_epoch: The epoch that the first batches belong to.
        in_memory: Whether to hold the split's records in memory, in the
            stored dtype, and shuffle all of it; else its files are read in
            another order every epoch, through a buffer.
        shuffle_buffer: Clips in that buffer.

    Returns:
        An endless dataset of `steps_per_epoch` batches an epoch, each a pair
        of features and labels. Features hold, for every modality, float32
        `(batch, num_frames, dim)` and int32 `MODALITY_num_frames` `(batch,)`.
        Labels are int32 `(batch,)`, or float32 `(batch, num_classes)` of 0
        and 1 where the dataset is multi-label.

    Raises:
        ValueError: If the split has fewer clips than a batch, or a modality
            is unknown.
    """
    steps_per_epoch(manifest, split, batch_size)  # raises if there is none
    description = manifest.description.select(modalities)
    if in_memory:
        shuffled = _resident(manifest, split, description)
    else:
        shuffled = _streamed(manifest, split, description, shuffle_buffer)
    decode = _decoder(manifest, split, description, sample_size)

    def epoch_batches(epoch):
        base = tf.stack([tf.constant(seed, tf.int64), epoch])
        order, frames = _fold_in(base, _ORDER), _fold_in(base, _FRAMES)
        batches = shuffled(order, batch_size)
        return batches.enumerate().map(
            lambda step, stored: decode(stored, _fold_in(frames, step)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    epochs = tf.data.Dataset.range(first_epoch, tf.int64.max)
    return epochs.flat_map(epoch_batches).prefetch(tf.data.AUTOTUNE)


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
            f"in split {split!r} of {manifest.directory}."
        )
    return num_clips // batch_size


def evaluation_batches(
    manifest: Manifest,
    split: str,
    *,
    batch_size: int,
    sample_size: int = 0,
    modalities: Sequence[str] | None = None,
    with_ids: bool = False,
) -> tf.data.Dataset:
    """Reads a split once, in its order, taking frames at equal intervals.

    Args:
        manifest: The dataset.
        split: The split's name.
        batch_size: Clips in each batch; the last one may have fewer.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        modalities: The modalities to read; None reads all.
        with_ids: Whether to give the clips' ids as a third part, strings
            `(batch,)`.

    Returns:
        A dataset of pairs of features and labels, as `training_batches`.

    Raises:
        ValueError: If a modality is unknown.
    """
    description = manifest.description.select(modalities)
    decode = _decoder(manifest, split, description, sample_size)

    def read(batch):
        stored = records.parse_records(batch, description)
        pair = decode(stored, None)
        return (*pair, stored["id"]) if with_ids else pair

    clips = _clips(manifest.paths(split), description)
    batches = clips.batch(batch_size).map(
        read, num_parallel_calls=tf.data.AUTOTUNE
    )
    # So that whoever shows progress knows how far it goes.
    count = -(-manifest.split(split).num_clips // batch_size)
    return batches.apply(
        tf.data.experimental.assert_cardinality(count)
    ).prefetch(tf.data.AUTOTUNE)


def _clips(paths, description):
    """Reads files, an element a clip."""
    return records.expand_clips(tf.data.TFRecordDataset(paths), description)


def _streamed(manifest, split, description, shuffle_buffer):
    """Gives a function from a seed to an epoch's batches, read from files."""
    paths = tf.constant(manifest.paths(split))

    def shuffled(seed, batch_size):
        # Of the function that is traced here, for the shuffle below, which
        # would else mix in the program's own and fails where that is 0.
        tf.random.set_seed(1)
        rank = tf.random.stateless_uniform(tf.shape(paths), seed)
        files = tf.data.Dataset.from_tensor_slices(
            tf.gather(paths, tf.argsort(rank))
        )
        clips = files.interleave(
            lambda path: _clips(path, description),
            cycle_length=OPEN_SHARDS,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        mixed = tf.cast(seed[0], tf.int64)  # fold_in leaves seed[1] as it is
        clips = clips.shuffle(shuffle_buffer, seed=mixed)
        return clips.batch(batch_size, drop_remainder=True).map(
            lambda batch: records.parse_records(batch, description),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    return shuffled


def _resident(manifest, split, description):
    """Gives a function from a seed to an epoch's batches, from memory."""
    num_clips = manifest.split(split).num_clips
    clips = _clips(manifest.paths(split), description).batch(num_clips)
    stored = records.parse_records(next(iter(clips)), description)

    def shuffled(seed, batch_size):
        rank = tf.random.stateless_uniform((num_clips,), seed)
        rows = tf.data.Dataset.from_tensor_slices(tf.argsort(rank))
        return rows.batch(batch_size, drop_remainder=True).map(
            lambda row: {k: tf.gather(v, row) for k, v in stored.items()},
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    return shuffled


def _decoder(manifest, split, description, sample_size):
    """Gives a function that samples and decodes a batch of records."""
    longest = manifest.split(split).max_num_frames

    def decode_modality(name, modality, stored, seed):
        num_frames = records.count_frames(stored, modality)
        if not 0 < sample_size < longest[name]:
            # All are wanted; a modality that no clip has takes one slot.
            slots = sample_size or max(longest[name], 1)
            frames = records.decode_all_frames(stored, modality, slots)
            return frames, num_frames
        if seed is None:
            taken = sampling.equal_intervals(num_frames, sample_size)
        else:
            taken = sampling.random_subset(num_frames, sample_size, seed)
        count = sampling.num_sampled(num_frames, sample_size)
        return records.decode_frames(stored, modality, taken, count), count

    def decode(stored, seed):
        features = {}
        for index, (name, modality) in enumerate(
            description.modalities.items()
        ):
            own_seed = None if seed is None else _fold_in(seed, index)
            features[name], features[f"{name}_num_frames"] = decode_modality(
                name, modality, stored[name], own_seed
            )
        return features, stored["labels"]

    return decode
