"""Modalities of a made-up clip, for pictures of what was attended to."""

import numpy as np
from matplotlib import colormaps

from ac_keras.visualization import ExplainedModality
from ac_keras.visualization import save_clip_explanation
from support.visualization.drawn_figures import watch_figures
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

SECONDS = 2.0
PREDICTIONS = (("cat", 0.7), ("dog", 0.2), ("ox", 0.1))
BRIGHT = colormaps["inferno"](1.0)[:3]


def even_spans(num_frames, seconds=SECONDS):
    edges = np.linspace(0, seconds, num_frames + 1)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def even_weights(num_units, num_frames):
    return np.full((num_units, num_frames), 1 / max(num_frames, 1))


def one_hot(num_units, num_frames, *index):
    weights = np.zeros((num_units, num_frames))
    weights[index] = 1
    return weights


def of_images(attention, spans=None):
    """Frames of one gray each, whose level is the frame's number."""
    num_frames = attention.shape[1]
    images = np.zeros((num_frames, 8, 12, 3), np.uint8)
    images += np.arange(num_frames, dtype=np.uint8)[:, None, None, None]
    spans = even_spans(num_frames) if spans is None else spans
    return ExplainedModality("rgb", attention, spans, "images", images)


def of_flow(attention, motion):
    """Every frame moves alike."""
    num_frames = attention.shape[1]
    flow = np.broadcast_to(np.float32(motion), (num_frames, 8, 8, 2))
    return ExplainedModality(
        "flow", attention, even_spans(num_frames), "flow", flow
    )


def of_bands(attention, loud=None, spans=None, seconds=SECONDS):
    """Silence, loud at one step of 10 ms."""
    bands = np.full((round(100 * seconds), 64), -4.6)
    if loud is not None:
        bands[loud] = 3.0
    num_frames = attention.shape[1]
    spans = even_spans(num_frames) if spans is None else spans
    return ExplainedModality(
        "audio", attention, spans, "bands", bands, (0.0, seconds)
    )


def absent(name, kind):
    return ExplainedModality(name, np.zeros((3, 0)), np.zeros((0, 2)), kind)


def draw_clip(
    path, monkeypatch, *modalities, title="clip.mp4", predictions=PREDICTIONS
):
    """Draws modalities and gives the figure and its pixels."""
    with watch_figures(monkeypatch) as figures:
        save_clip_explanation(title, predictions, modalities, path)
    return figures[0], read_png(path)


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def strips_of(figure):
    """The axes with a row for each unit."""
    return [axes for axes in figure.axes if axes.get_xlabel() == "seconds"]


def columns_of(picture, color):
    """Where the colour fills a good part of a column."""
    counts = is_color(picture, color).sum(axis=0)
    return np.flatnonzero(counts > 10)
