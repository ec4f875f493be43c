"""The pictures of a sweep's page."""

import pytest

import figures
import table_1_results
from support.flash_mnist.made_up_sweep import write_cell


@pytest.fixture
def draw(tmp_path, monkeypatch):
    """Draws a sweep and gives the names and what was to be drawn."""
    drawn = {}

    def keep(values, path, *_):
        drawn[path.name] = values

    monkeypatch.setattr(figures, "save_cell_curves", keep)
    monkeypatch.setattr(figures, "save_size_curves", keep)

    def draw(*cells):
        for cell in cells:
            write_cell(tmp_path, *cell)
        (protocol,) = table_1_results.read_sweep(tmp_path)
        names = figures.draw_pictures(protocol, tmp_path)
        return names, drawn

    return draw


def test_every_weighting_has_a_picture_and_accuracy_has_one(draw):
    names, drawn = draw(("fc1", 8), ("fc2_shift", 8))
    assert list(names.values()) == [
        "tuned_accuracy.png",
        "tuned_fc1_curves.png",
        "tuned_fc2_curves.png",
    ]
    assert set(drawn) == set(names.values())


def test_average_alone_has_no_curves(draw):
    names, _ = draw(("average", 8))
    assert list(names.values()) == ["tuned_accuracy.png"]


def test_panels_are_without_and_with_shifting(draw):
    _, drawn = draw(
        ("fc1", 8, 0, 0.49), ("fc1_shift", 16, 0, 0.89), ("fc1_shift", 8)
    )
    panels = drawn["tuned_fc1_curves.png"]
    assert list(panels) == ["FC1 without shifting", "FC1 with shifting"]
    assert list(panels["FC1 with shifting"]) == [8, 16]
    assert panels["FC1 with shifting"][16] == pytest.approx([30, 60, 90])
    assert panels["FC1 without shifting"][8][-1] == pytest.approx(50)


def test_curves_are_drawn_with_the_papers_and_mindspores(draw):
    _, drawn = draw(
        ("average", 8, 0, 0.01),
        ("fc2_shift", 8, 0, 0.88),
        ("fc2_shift", 8, 1, 0.90),
    )
    curves = drawn["tuned_accuracy.png"]
    shifting, average = curves["FC2 + shift"], curves["Average"]
    assert shifting.accuracy == pytest.approx({8: 89})
    assert shifting.deviation == pytest.approx({8: 2**0.5})
    assert shifting.published[128] == 85.7
    assert shifting.others["MindSpore, GPU"][128] == 88.3
    assert average.deviation == {} and average.others == {}
    assert shifting.color != average.color
