"""From parsed records to features: which frames, decoded and checked."""

import functools
from collections.abc import Callable
from collections.abc import Mapping

import tensorflow as tf

from ac_keras.pipeline import records
from ac_keras.pipeline import sampling
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.modality import Modality

_fold_in = tf.random.experimental.stateless_fold_in


def batch_decoder(
    description: Description,
    longest: Mapping[str, int] | None,
    sample_size: int,
    first_row: int = 0,
    num_rows: int | None = None,
    check: bool = True,
    random_draw: str = "subset",
) -> Callable[[dict[str, tf.Tensor], tf.Tensor | None], tuple]:
    """Gives a function that samples and decodes a batch of parsed records.

    Args:
        description: The dataset, with the modalities to decode.
        longest: Mapping from modality to the longest clip's frames; None
            where that is not known and each batch's own longest clip counts.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        first_row: The first clip's row in the whole batch.
        num_rows: Clips in the whole batch; None where it is all there.
        check: Whether NaN and infinity are errors; else the caller looks.
        random_draw: How a seed draws: `"subset"` or `"segments"`.

    Returns:
        A function of what `parse_records` gives and of a seed, integers
        `(2,)`, or None to take frames at equal intervals. It gives features
        and labels, None where there are none.
    """

    def slots_for_all(name, num_frames):
        if longest:
            return max(longest[name], 1)
        return tf.maximum(tf.reduce_max(num_frames), 1)

    def decode_modality(name, modality, stored, seed, checked):
        num_frames = records.count_frames(stored, modality)
        if not sample_size or (longest and sample_size >= longest[name]):
            # All are wanted; a modality that no clip has takes one slot.
            slots = sample_size or slots_for_all(name, num_frames)
            frames = records.decode_all_frames(stored, modality, slots, checked)
            return frames, num_frames
        if seed is None:
            taken = sampling.equal_intervals(num_frames, sample_size)
        else:
            taken = sampling.RANDOM_DRAWS[random_draw](
                num_frames, sample_size, seed, first_row, num_rows
            )
        count = sampling.num_sampled(num_frames, sample_size)
        frames = records.decode_frames(stored, modality, taken, count, checked)
        return frames, count

    def decode(stored, seed):
        features = {}
        for index, (name, modality) in enumerate(
            description.modalities.items()
        ):
            own_seed = None if seed is None else _fold_in(seed, index)
            checked = None
            if check:
                checked = functools.partial(
                    check_finite, name, modality, ids=stored["id"]
                )
            frames, num_frames = decode_modality(
                name, modality, stored[name], own_seed, checked
            )
            features[name] = frames
            features[f"{name}_num_frames"] = num_frames
        return features, stored.get("labels")

    return decode


def check_finite(
    name: str, modality: Modality, frames: tf.Tensor, ids: tf.Tensor
) -> tf.Tensor:
    """Gives the frames as they are, or fails and names the clips.

    Args:
        name: The modality's name.
        modality: How it is stored.
        frames: Numbers `(batch, num_frames, dim)`, of any dtype.
        ids: Strings `(batch,)`.

    Raises:
        tf.errors.InvalidArgumentError: If a number is NaN or infinite.
    """
    if modality.dtype == "uint8":
        return frames  # It cannot be otherwise.
    finite = tf.reduce_all(tf.math.is_finite(frames), axis=[1, 2])
    check = tf.debugging.Assert(
        tf.reduce_all(finite),
        [
            f"Expected finite features of modality {name!r}. Received: NaN "
            "or infinity in the clips",
            tf.boolean_mask(ids, ~finite),
        ],
    )
    with tf.control_dependencies([check]):
        return tf.identity(frames)
