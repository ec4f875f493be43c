"""Figures of matplotlib that code under test saves, and their pixels."""

import contextlib

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure


@contextlib.contextmanager
def watch_figures(monkeypatch):
    """Yields a list to which every saved figure is added."""
    figures = []
    savefig = Figure.savefig

    def watch(figure, *arguments, **keywords):
        figures.append(figure)
        savefig(figure, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", watch)
        yield figures


@contextlib.contextmanager
def full_disk(monkeypatch):
    """Expects the error of a disk that is full after half of a file."""

    def fail_half_way(figure, path, **keywords):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", fail_half_way)
        with pytest.raises(OSError, match="No space left"):
            yield


def legend_of(figure):
    """Returns the legend's texts with the colours of their lines."""
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    colors = [line.get_color() for line in legend.get_lines()]
    return dict(zip(texts, colors, strict=True))


def texts_of(labels):
    return [label.get_text() for label in labels]


def read_png(path):
    """Reads the pixels' red, green and blue, floats `(height, width, 3)`."""
    return image.imread(path)[:, :, :3]


def is_color(plot, color, tolerance=0.02):
    """Returns which pixels have a colour, bool `(height, width)`."""
    return np.abs(plot - np.asarray(color)).max(axis=2) < tolerance
