"""What a run came to, on one page."""

import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from ac_keras.utils import atomic_file
from ac_keras.visualization.attended_clip import AttendedClip
from ac_keras.visualization.class_confusion import confusion_section
from ac_keras.visualization.clip_maps import clip_sections
from ac_keras.visualization.epoch_charts import epoch_charts
from ac_keras.visualization.readable_values import escape
from ac_keras.visualization.readable_values import readable_name
from ac_keras.visualization.readable_values import readable_number
from ac_keras.visualization.readable_values import readable_setting
from ac_keras.visualization.report_page import page


def write_report(
    path: str | os.PathLike,
    *,
    title: str,
    result: Mapping[str, Any],
    settings: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
    class_names: Sequence[str],
    confusion: np.ndarray | None = None,
    clips: Sequence[AttendedClip] = (),
) -> None:
    """Writes a run's report: one HTML file that opens without a network.

    Args:
        path: The file to write, whole or not at all.
        title: The page's title.
        result: Mapping from names to numbers or text. Numbers of a split,
            such as `test_accuracy`, come first and large.
        settings: Mapping from flags to their values.
        epochs: One mapping an epoch, from `epoch` (from 0 on) and metrics to
            numbers; `val_NAME` is drawn together with `NAME`.
        class_names: One name a class.
        confusion: Integers `(num_classes, num_classes)`, true class by
            predicted one; None where a clip has any number of labels.
        clips: Clips to draw the attention of.

    Raises:
        ValueError: If the confusion is not that of the classes.
    """
    sections = {
        "Result": _result(result),
        "Epochs": epoch_charts(epochs) if epochs else "",
        "Classes": (
            ""
            if confusion is None
            else confusion_section(confusion, class_names)
        ),
        "Attention": clip_sections(clips) if clips else "",
        "Settings": _table(
            (name, readable_setting(value)) for name, value in settings.items()
        ),
    }
    atomic_file.write_text(path, page(title, sections))


def _result(result):
    """Shows the numbers of splits as tiles, all else in a table."""
    texts = {
        name: readable_number(name, value) for name, value in result.items()
    }
    large = [
        name
        for name in result
        if name.startswith(("test_", "validation_", "val_"))
    ]
    tiles = "".join(
        f"<div><dt>{escape(readable_name(name))}</dt>"
        f"<dd>{escape(texts[name])}</dd></div>"
        for name in large
    )
    rest = _table(
        (readable_name(name), text)
        for name, text in texts.items()
        if name not in large
    )
    return (f'<dl class="tiles">{tiles}</dl>' if tiles else "") + rest


def _table(rows):
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f'<table class="settings">{cells}</table>' if cells else ""
