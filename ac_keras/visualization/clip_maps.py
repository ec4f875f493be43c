"""Clips and their attention, as parts of a page."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib import image

from ac_keras.visualization.attended_clip import AttendedClip
from ac_keras.visualization.readable_values import escape

MAX_CLIPS = 12
MAX_UNITS = 64
MAX_FRAMES = 600
MAX_DRAWN_UNITS = 8  # below the frames' images
_MAX_HEIGHT, _MAX_WIDTH = 48, 1600  # pixels of a frame and of all together
_SHOWN_LABELS = 8


def clip_sections(clips: Sequence[AttendedClip]) -> str:
    """Draws right clips and wrong ones, the first of each.

    Args:
        clips: The clips. Half of those drawn are right, half wrong, where
            there are as many.

    Returns:
        HTML with all pictures in it.
    """
    kinds = {
        "Right": [clip for clip in clips if clip.right],
        "Wrong": [clip for clip in clips if not clip.right],
    }
    half = MAX_CLIPS // 2
    parts, drawn = [_legend()], 0
    for title, group in kinds.items():
        other = len(clips) - len(group)
        shown = group[: max(half, MAX_CLIPS - other)]
        if shown:
            cards = "".join(
                _card(clip, number) for number, clip in enumerate(shown, drawn)
            )
            drawn += len(shown)
            left = len(group) - len(shown)
            more = f"<p>{left} more are not shown.</p>" if left else ""
            parts.append(f"<h3>{title}</h3>{cards}{more}")
    return "".join(parts)


def data_uri(pixels: np.ndarray, cmap: str, peak: float) -> str:
    """Turns numbers into a picture of one pixel each.

    Args:
        pixels: Numbers `(height, width)` from 0 to `peak`.
        cmap: The name of a colormap of matplotlib.
        peak: What the colormap's last colour stands for.

    Returns:
        A `data:` address of a PNG.
    """
    buffer = io.BytesIO()
    image.imsave(buffer, pixels, cmap=cmap, vmin=0, vmax=peak, format="png")
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/png;base64,{text}"


def _legend():
    colors = data_uri(np.arange(64)[None], "inferno", 63)
    return (
        '<p class="legend">Each map has a row for every attention unit and a '
        "column for every frame. Weight: nothing "
        f'<img alt="from black to yellow" src="{colors}"> the map’s largest.'
        "</p>"
    )


def _card(clip, number):
    labels = ", ".join(map(escape, clip.labels[:_SHOWN_LABELS])) or "no label"
    if len(clip.labels) > _SHOWN_LABELS:
        labels += f" and {len(clip.labels) - _SHOWN_LABELS} more"
    rows = "".join(
        f'<tr class="{"hit" if name in clip.labels else ""}"><td>'
        f"{'✓' if name in clip.labels else ''}</td><td>{escape(name)}</td>"
        f'<td>{100 * score:.1f}&nbsp;%</td><td><span class="share" '
        f'style="width:{100 * min(max(score, 0), 1):.1f}%"></span></td></tr>'
        for name, score in clip.predictions
    )
    maps = "".join(
        _map(
            name,
            np.asarray(weights, np.float32),
            clip.images.get(name),
            f"frames-{number}-{index}",
        )
        for index, (name, weights) in enumerate(clip.attention.items())
    )
    mark, kind = ("✓", "right") if clip.right else ("✗", "wrong")
    return (
        f'<article class="clip {kind}"><h4><span>{mark}</span> '
        f"{escape(clip.id)}</h4><p>is <b>{labels}</b>, taken for</p>"
        f'<table class="answers"><tbody>{rows}</tbody></table>'
        f'<div class="maps">{maps}</div></article>'
    )


def _map(name, weights, images, strip):
    title = f"<b>{escape(name)}</b>"
    peak = float(weights.max(initial=0))
    if not peak > 0:
        return f"<figure><figcaption>{title} is absent</figcaption></figure>"
    limit = MAX_UNITS if images is None else MAX_DRAWN_UNITS
    num_units, num_frames = weights.shape
    shown = weights[:limit, :MAX_FRAMES]
    units = f"{num_units} units"
    if len(shown) < num_units:
        units = f"{len(shown)} of {units}"
    frames = f"{num_frames} frames"
    if shown.shape[1] < num_frames:
        frames = f"the first {shown.shape[1]} of {frames}"
    words = f"{units} over {frames}, largest weight {peak:.2g}"
    peak = float(shown.max()) or 1.0
    if images is None:
        picture = _heat(shown, peak, words)
    else:
        picture = _strip(shown, peak, images[:MAX_FRAMES], words, strip)
    wide = "" if images is None else ' class="wide"'
    return (
        f'<figure{wide}><figcaption>{title} <span class="keys">{words}</span>'
        f'</figcaption>{picture}<div class="axis"><span>frame 1</span>'
        f"<span>{shown.shape[1]}</span></div></figure>"
    )


def _heat(weights, peak, words):
    height = min(max(5 * len(weights), 48), 320)
    return (
        f'<img class="heat" style="height:{height}px" alt="Attention of '
        f'{words}" src="{data_uri(weights, "inferno", peak)}">'
    )


def _strip(weights, peak, images, words, strip):
    """Draws the frames, and below them each unit's weights over them.

    As `save_attention_maps`, but the frames are stored once for all rows.
    """
    images = np.asarray(images)
    step = max(
        -(-images.shape[1] // _MAX_HEIGHT),
        -(-images.shape[2] * len(images) // _MAX_WIDTH),
    )
    images = images[:, ::step, ::step]
    height, width = images.shape[1], images.shape[2] * len(images)
    frames = data_uri(np.concatenate(list(images), axis=1), "gray", 255)
    below = "".join(
        f'<use href="#{strip}" y="{height * row}"/>'
        for row in range(1, len(weights) + 1)
    )
    lines = "".join(
        f"M0 {height * (row + 1)}h{width}" for row in range(len(weights))
    )
    return (
        f'<svg class="strip" viewBox="0 0 {width} '
        f'{height * (len(weights) + 1)}" role="img" aria-label="Attention of '
        f'{words}"><image id="{strip}" href="{frames}" width="{width}" '
        f'height="{height}"/>{below}<image class="pixels" opacity="0.8" '
        f'y="{height}" width="{width}" height="{height * len(weights)}" '
        'preserveAspectRatio="none" '
        f'href="{data_uri(weights, "inferno", peak)}"/>'
        f'<path class="lines" d="{lines}"/></svg>'
    )
