"""Settings of a run: parsed from text, or chosen for a dataset."""

import math
from collections.abc import Sequence

import keras

BATCH_SIZE = 64
STEPS_PER_EPOCH = 8
EPOCHS, STEPS = 30, 2000


def parse_initializer(text: str) -> keras.Initializer:
    """Parses `constant:VALUE` or `normal:STANDARD_DEVIATION`.

    Raises:
        ValueError: If the text has neither form.
    """
    kind, _, number = text.partition(":")
    try:
        if kind == "constant":
            return keras.initializers.Constant(float(number))
        if kind == "normal":
            return keras.initializers.RandomNormal(stddev=float(number))
    except ValueError:
        pass
    raise ValueError(
        "Expected an initializer as constant:VALUE or "
        f"normal:STANDARD_DEVIATION. Received: {text}. Write it like "
        "normal:0.5."
    )


def parse_num_units(
    values: Sequence[str], modalities: Sequence[str]
) -> dict[str, int]:
    """Parses the number of attention units of each modality.

    Args:
        values: One number for all modalities, such as `["32"]`, or a
            `MODALITY:NUMBER` pair for each modality to use, such as
            `["rgb:64", "audio:32"]`.
        modalities: Names of the dataset's modalities.

    Returns:
        Dict from modality name to number of units.

    Raises:
        ValueError: If the values have neither form.
    """
    pairs = [value.partition(":")[::2] for value in values]
    if len(values) == 1 and values[0].isdecimal():
        pairs = [(modality, values[0]) for modality in modalities]
    num_units = {
        name: int(number)
        for name, number in pairs
        if name in modalities and number.isdecimal() and int(number)
    }
    if len(num_units) != len(pairs):
        raise ValueError(
            "Expected the number of units as a number or as MODALITY:NUMBER "
            f"pairs with modalities among {list(modalities)}. Received: "
            f"num_units={','.join(values)}. Name modalities of the dataset."
        )
    return num_units


def choose_batch_size(num_clips: int) -> int:
    """Returns the batch size for a training split of a number of clips.

    It is 64, or the largest power of 2 below with 8 batches an epoch.
    """
    size = BATCH_SIZE
    while size > 1 and num_clips < size * STEPS_PER_EPOCH:
        size //= 2
    return size


def choose_epochs(steps_per_epoch: int) -> int:
    """Returns the number of epochs for a number of steps in each.

    It is 30, or more for a small dataset, which needs 2,000 steps.
    """
    return max(EPOCHS, math.ceil(STEPS / steps_per_epoch))
