"""Figures of matplotlib's, as a test gets hold of them."""

import contextlib

from matplotlib.figure import Figure


@contextlib.contextmanager
def watch_figures(monkeypatch):
    """Gives a list to which every figure that is saved is added."""
    figures = []
    savefig = Figure.savefig

    def watch(figure, *arguments, **keywords):
        figures.append(figure)
        savefig(figure, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", watch)
        yield figures


def legend_of(figure):
    """The legend's texts with the colours of their lines."""
    (legend,) = figure.legends
    return {
        text.get_text(): line.get_color()
        for text, line in zip(
            legend.get_texts(), legend.get_lines(), strict=True
        )
    }
