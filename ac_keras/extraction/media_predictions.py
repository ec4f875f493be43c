"""Predictions of media files as JSON values, with a picture of each."""

import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from ac_keras.extraction.clip_predictor import ClipPredictor
from ac_keras.extraction.prediction_picture import save_picture

DIGITS = 6  # of a probability
MAX_BYTES = 200  # of a file's name; 255 is what most disks take


def predict_media(
    predictor: ClipPredictor,
    paths: Sequence[str | os.PathLike],
    pictures_dir: str | os.PathLike | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts files one after the other.

    Args:
        predictor: Predicts a file.
        paths: The files.
        pictures_dir: A folder for a picture of each, made if need be; None for
            no pictures.

    Yields:
        For each file its `path`, `classes` and `scores`; `problems`, if it has
        some; and `picture`, if there is one. Of a file that cannot be used
        `path` and `error`.

    Raises:
        OSError: If a picture cannot be written.
        ImportError: If a package of `ac-keras[media]` is missing.
    """
    names = picture_names(paths)
    if pictures_dir is not None:
        pathlib.Path(pictures_dir).mkdir(parents=True, exist_ok=True)
    for path, name in zip(paths, names, strict=True):
        row = {"path": os.fsdecode(path)}
        try:
            prediction = predictor.predict(path)
        except ValueError as error:
            yield {**row, "error": str(error)}
            continue
        row["classes"] = list(prediction.classes)
        row["scores"] = [round(x, DIGITS) for x in prediction.scores]
        if prediction.problems:
            row["problems"] = list(prediction.problems)
        if pictures_dir is not None:
            picture = pathlib.Path(pictures_dir) / name
            save_picture(prediction, picture)
            row["picture"] = str(picture)
        yield row


def picture_names(paths: Sequence[str | os.PathLike]) -> list[str]:
    """Names a picture after each file; files of one name are numbered."""
    names, taken = [], set()
    for path in paths:
        name = os.fsencode(pathlib.Path(os.fsdecode(path)).name)
        stem, number = os.fsdecode(name[:MAX_BYTES]), 1
        name = f"{stem}.png"
        while name in taken:
            number += 1
            name = f"{stem}-{number}.png"
        taken.add(name)
        names.append(name)
    return names
