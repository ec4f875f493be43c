"""Which cells something holds for, in a few words."""

from collections.abc import Collection

from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.results_table import TITLES
from ac_keras.sweep.setting_texts import numbers_text

ALL = "all cells"
Key = tuple[str, int]  # family and number of units


def extent_text(keys: Collection[Key], table: Collection[Key]) -> str:
    """Says which of a table's cells these are, as shortly as possible.

    Args:
        keys: Family and number of units of each, in the table's order.
        table: Those of all cells.

    Returns:
        Words such as `N = 1, 2` (of all families that have them), `without
        shift`, `N = 8, with shift` or `FC1, N = 8`.
    """
    if set(keys) == set(table):
        return ALL
    if _are_rows(keys, table):
        return _units(keys)
    return "; ".join(
        _side(
            [key for key in keys if _is_shifted(key) == shift],
            [key for key in table if _is_shifted(key) == shift],
            words,
        )
        for shift, words in ((False, "without shift"), (True, "with shift"))
        if any(_is_shifted(key) == shift for key in keys)
    )


def _side(keys, table, words):
    """Tells of cells that are all shifted, or none of them."""
    if set(keys) == set(table):
        return words
    if _are_rows(keys, table):
        return f"{_units(keys)}, {words}"
    families = dict.fromkeys(family for family, _ in keys)
    return "; ".join(
        f"{TITLES[name]}, {_units([key for key in keys if key[0] == name])}"
        for name in families
    )


def _are_rows(keys, table):
    """Whether they are whole rows of the table."""
    rows = {num_units for _, num_units in keys}
    return set(keys) == {key for key in table if key[1] in rows}


def _units(keys):
    return f"N = {numbers_text(sorted({num_units for _, num_units in keys}))}"


def _is_shifted(key):
    return FAMILIES[key[0]][1]
