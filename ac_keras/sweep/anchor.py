"""What the CNN's decisions on single frames come to, beside a sweep."""

import pathlib
from collections.abc import Mapping

from ac_keras.sweep import result_checks
from ac_keras.sweep.results_table import markdown_table

SPLITS = ("validation", "test")
_WAYS = {
    "hard": "the frame's most probable class",
    "threshold_by_digit": "a threshold for each digit, chosen by itself",
    "threshold_by_set": "thresholds chosen for whole sets of digits",
}


def read_anchor(path: pathlib.Path) -> dict[str, dict[str, float]]:
    """Reads what `data/flash_mnist/frame_union.py` wrote.

    Returns:
        Mapping from split to the accuracy of each way to decide, from 0 to 1.

    Raises:
        ValueError: If the file is something else.
    """
    values = result_checks.read_mapping(path, dict.fromkeys(SPLITS, "mapping"))
    anchor = {split: values[split].get("accuracy") for split in SPLITS}
    validation, test = anchor.values()
    fits = (
        isinstance(validation, dict)
        and isinstance(test, dict)
        and bool(validation)
        and set(validation) == set(test)
        and all(
            result_checks.is_share(share)
            for shares in (validation, test)
            for share in shares.values()
        )
    )
    if not fits:
        raise ValueError(
            "Expected the same accuracies from 0 to 1 under accuracy of "
            f"validation and test. Received: {path} with {anchor}. Make it "
            "with data/flash_mnist/frame_union.py --output."
        )
    return anchor


def describe_anchor(anchor: Mapping[str, Mapping[str, float]]) -> str:
    """Gives a section of a page, in Markdown.

    Args:
        anchor: What `read_anchor` gives.
    """
    validation, test = (anchor[split] for split in SPLITS)
    rows = [
        [_WAYS.get(x, x), f"{100 * validation[x]:.1f}", f"{100 * test[x]:.1f}"]
        for x in validation
    ]
    return (
        "The pretrained CNN decides on the digit of each frame; the union over "
        "a clip's\nframes is held against its class. No cluster is involved, "
        "and thresholds are\nchosen on the validation split. Accuracies in "
        "percent:\n\n"
        + markdown_table(["a digit is decided by", *SPLITS], rows, 1)
    )
