"""The HTML report of a run: one file that opens without a network."""

import base64
import io
import math
import numbers
import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import jinja2
import numpy as np
from matplotlib import image

from ac_keras.runs import svg_charts
from ac_keras.utils import atomic_file
from ac_keras.visualization.attended_clips import AttendedClip

NUM_WORST_CLASSES = 15
NUM_WRONG_PREDICTIONS = 3  # in the table, for each class
NUM_OTHER_COLUMNS = 9  # of the confusion matrix, beside the worst classes
MAX_CLIPS = 12
MAX_LABELS = 8
MAX_FRAMES = 600
MAX_UNITS = 64
MAX_UNITS_WITH_IMAGES = 8
NO_VALUE = "–"
NO_BREAK = "\u00a0"

_MAX_HEIGHT, _MAX_WIDTH = 48, 1600  # pixels of one frame, of all side by side


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

    The same arguments give the same bytes.

    Args:
        path: The file. It is written as a whole or not at all.
        title: The page's title.
        result: Mapping from names to numbers or text. Metrics of a split,
            such as `test_accuracy`, are shown first and large, with the pair
            of limits under `test_accuracy_interval` if there is one.
        settings: Mapping from flags to their values.
        epochs: One mapping per epoch, from `epoch` (counted from 0) and names
            of metrics to numbers, or to text that holds a number. `val_NAME`
            is drawn into the chart of `NAME`.
        class_names: The name of each class.
        confusion: Integers `(num_classes, num_classes)`, true class by
            predicted class; None if a clip may have several labels.
        clips: Clips whose attention is drawn.

    Raises:
        ValueError: If the shape of `confusion` does not match `class_names`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html.jinja").render(
        title=title,
        tiles=_results(result, is_metric=True),
        others=[row[:2] for row in _results(result, is_metric=False)],
        settings=[(x, _format_value(value)) for x, value in settings.items()],
        charts=svg_charts.draw_metrics(epochs),
        format_name=_format_name,
        format_number=_format_number,
        classes=None if confusion is None else _classes(confusion, class_names),
        groups=_clip_groups(clips),
        max_labels=MAX_LABELS,
        legend=_data_uri(np.arange(64)[None], "inferno", 63),
    )
    # Names of files may hold bytes that are not text.
    atomic_file.write_text(path, page.encode("utf-8", "replace").decode())


def _results(result, is_metric):
    """Formats name, value and interval of the metrics, or of all others."""
    rows = []
    for name, value in result.items():
        of_split = name.startswith(("test_", "validation_", "val_"))
        if of_split != is_metric or name.endswith("_interval"):
            continue
        limits = result.get(f"{name}_interval", ())
        interval = " to ".join(_format_number(name, x) for x in limits)
        interval = interval.replace(" ", NO_BREAK)
        rows.append((_format_name(name), _format_number(name, value), interval))
    return rows


def _format_name(name):
    """Formats `val_top_5_accuracy` as `validation top 5 accuracy`."""
    if name.startswith("val_"):
        name = "validation_" + name.removeprefix("val_")
    return name.replace("_", " ")


def _format_number(name, value):
    """Formats a metric or another result according to its name."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return _format_value(value)
    if isinstance(value, numbers.Integral):
        value = int(value)
    else:
        value = float(value)
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else str(value)
    if svg_charts.is_share(name) and 0 <= value <= 1:
        return f"{100 * value:.2f} %"
    if name.endswith("seconds") and value >= 100:
        return _format_duration(round(value))
    if isinstance(value, int):
        return f"{value:,}"
    if 10_000 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _format_value(value):
    """Formats a flag's value, or any result that is not a number."""
    if value is None or value == "":
        return NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or NO_VALUE
    return str(value)


def _format_duration(seconds):
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def _classes(confusion, class_names):
    """Collects how accurate the classes are and what they are confused with."""
    confusion = np.asarray(confusion)
    count = len(class_names)
    if confusion.shape != (count, count):
        raise ValueError(
            f"Expected a confusion matrix of shape {(count, count)}, true "
            "class by predicted class. Received: confusion.shape="
            f"{confusion.shape}. Pass the class names of the evaluated model."
        )
    worst = _worst_classes(confusion)
    few = count <= NUM_WORST_CLASSES  # the table holds all of them
    return {
        "any": confusion.any(),
        "few": few,
        "spread": None if few else _spread(_class_accuracy(confusion)),
        "rows": [
            _class_row(confusion[index], index, class_names) for index in worst
        ],
        "matrix": _matrix(confusion, worst, class_names),
    }


def _class_accuracy(confusion):
    """Computes each class's accuracy, NaN for a class without clips."""
    counts = confusion.sum(axis=1, dtype=np.float64)
    counts[counts == 0] = np.nan
    return np.diagonal(confusion) / counts


def _worst_classes(confusion):
    """Returns the indices of the least accurate classes, worst first."""
    accuracy = _class_accuracy(confusion)
    # Without those that are always correct, unless all classes can be shown.
    below = 1.0 if len(confusion) > NUM_WORST_CLASSES else np.inf
    candidates = np.flatnonzero(accuracy < below)  # NaN is not below
    counts = confusion.sum(axis=1)[candidates]
    order = np.lexsort((-counts, accuracy[candidates]))
    return candidates[order][:NUM_WORST_CLASSES]


def _spread(accuracy):
    """Computes percentiles of the classes' accuracy and draws a histogram."""
    known = accuracy[np.isfinite(accuracy)]
    if not len(known):
        return None
    return {
        "count": len(known),
        "empty": len(accuracy) - len(known),
        "percentiles": np.percentile(known, [0, 10, 50, 100]) * 100,
        "svg": svg_charts.draw_histogram(known),
    }


def _class_row(counts, index, class_names):
    wrong = counts.copy()
    wrong[index] = 0
    order = np.argsort(-wrong, kind="stable")[:NUM_WRONG_PREDICTIONS]
    return {
        "name": class_names[index],
        "correct": int(counts[index]),
        "total": int(counts.sum()),
        "wrong": [(class_names[x], int(wrong[x])) for x in order if wrong[x]],
    }


def _matrix(confusion, worst, class_names):
    """Selects the worst classes and those that they are most confused with."""
    predicted = confusion[worst].sum(axis=0)
    predicted[worst] = 0
    order = np.argsort(-predicted, kind="stable")[:NUM_OTHER_COLUMNS]
    columns = np.concatenate([worst, order[predicted[order] > 0]])
    names = [class_names[index] for index in columns]
    totals = confusion[worst].sum(axis=1, keepdims=True)
    cells = confusion[np.ix_(worst, columns)]
    rest = totals - cells.sum(axis=1, keepdims=True)
    if rest.any():
        cells, names = np.concatenate([cells, rest], axis=1), [*names, "others"]
    rows = zip(names, cells.tolist(), (cells / totals).tolist(), strict=False)
    return {
        "columns": names,
        "rows": [
            (name, [*zip(counts, shares, strict=True)])
            for name, counts, shares in rows
        ],
    }


def _clip_groups(clips):
    """Selects correct and wrong clips, half of each if there are enough."""
    correct = [clip for clip in clips if clip.is_correct]
    wrong = [clip for clip in clips if not clip.is_correct]
    groups = []
    for title, group in (("Correct", correct), ("Wrong", wrong)):
        num_others = len(clips) - len(group)
        shown = group[: max(MAX_CLIPS // 2, MAX_CLIPS - num_others)]
        if shown:
            cards = [(clip, _attention_maps(clip)) for clip in shown]
            num_left = len(group) - len(shown)
            groups.append({"title": title, "cards": cards, "left": num_left})
    return groups


def _attention_maps(clip):
    """Makes a map of units by frames for each modality, with its images."""
    maps = []
    for name, weights in clip.attention.items():
        weights = np.asarray(weights, np.float32)
        images = clip.images.get(name)
        peak = float(weights.max(initial=0))
        entry = {"name": name, "peak": peak, "total": weights.shape}
        if peak > 0:
            limit = MAX_UNITS if images is None else MAX_UNITS_WITH_IMAGES
            shown = weights[:limit, :MAX_FRAMES]
            shown_peak = float(shown.max()) or 1.0
            entry["shown"] = shown.shape
            entry["heat"] = _data_uri(shown, "inferno", shown_peak)
            entry["strip"] = None if images is None else _strip(images)
        maps.append(entry)
    return maps


def _strip(images):
    """Returns one image of all frames side by side, and the size of one."""
    images = np.asarray(images)[:MAX_FRAMES]
    step = max(
        -(-images.shape[1] // _MAX_HEIGHT),
        -(-images.shape[2] * len(images) // _MAX_WIDTH),
    )
    images = images[:, ::step, ::step]
    pixels = np.concatenate(list(images), axis=1)
    height, width = pixels.shape
    uri = _data_uri(pixels, "gray", 255)
    return {"uri": uri, "height": height, "width": width}


def _data_uri(pixels, colormap, peak):
    """Encodes numbers from 0 to `peak` as a PNG with a pixel for each."""
    file = io.BytesIO()
    image.imsave(file, pixels, cmap=colormap, vmin=0, vmax=peak, format="png")
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/png;base64,{text}"
