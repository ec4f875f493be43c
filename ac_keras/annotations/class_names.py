"""Names of the classes that indices of others' records stand for."""

import csv
import os


def load_class_names(
    vocabulary: str | os.PathLike | None, num_classes: int | None = None
) -> tuple[str, ...]:
    """Gives one name a class, in the order of the indices.

    Args:
        vocabulary: A CSV file with a column `Name` and, unless its rows are in
            order, a column `Index`, such as YouTube-8M's `vocabulary.csv`. A
            row without a name stands for `class INDEX`. None names them all
            so.
        num_classes: How many there are; needed without a vocabulary.

    Raises:
        ValueError: If the file's indices are not 0 to its number of rows, or
            that number is not `num_classes`.
    """
    if vocabulary is None:
        if not num_classes:
            raise ValueError(
                "load_class_names expects a vocabulary or a number of "
                f"classes. Received: num_classes={num_classes}. Give one of "
                "them."
            )
        return tuple(f"class {index}" for index in range(num_classes))
    with open(vocabulary, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or "Name" not in rows[0]:
        raise ValueError(
            f"Expected a CSV file with a column 'Name' in {vocabulary}. "
            f"Received: columns {list(rows[0]) if rows else []}. Add a first "
            "line with the columns' names."
        )
    names = {
        int(row.get("Index") or number): row["Name"]
        for number, row in enumerate(rows)
    }
    count = num_classes or len(rows)
    if sorted(names) != list(range(count)):
        raise ValueError(
            f"Expected indices 0 to {count - 1}, each once, in {vocabulary}. "
            f"Received: {len(rows)} rows with {len(names)} indices from "
            f"{min(names)} to {max(names)}. Mend the file or num_classes."
        )
    return tuple(names[i] or f"class {i}" for i in range(count))
