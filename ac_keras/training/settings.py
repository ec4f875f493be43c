"""Settings that are given as text."""

from collections.abc import Sequence

import keras


def parse_num_units(
    values: Sequence[str], modalities: Sequence[str]
) -> dict[str, int]:
    """Reads how many attention units each modality has.

    Args:
        values: One number for all modalities, such as `["32"]`, or a pair
            for each that is to be used, such as `["rgb:64", "audio:32"]`.
        modalities: The modalities that there are.

    Raises:
        ValueError: If it is neither.
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


def parse_initializer(text: str) -> keras.Initializer:
    """Reads `constant:VALUE` or `normal:STANDARD_DEVIATION`.

    Raises:
        ValueError: If it is neither.
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
