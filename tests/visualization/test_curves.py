"""Accuracy of several runs over the epochs, and the runs' names."""

import pathlib

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from ac_keras.visualization import name_runs
from ac_keras.visualization import save_accuracy_curves
from support.visualization.saved_figures import full_disk
from support.visualization.saved_figures import is_color
from support.visualization.saved_figures import read_png
from support.visualization.saved_figures import texts_of
from support.visualization.saved_figures import watch_figures

FIRST, SECOND = to_rgb("tab:blue"), to_rgb("tab:orange")
RISING = (0.1, 0.4, 0.6, 0.65)
FALLING = (0.9, 0.7, 0.5, 0.45)


def write_log(path, validation, training=None):
    rows = ["epoch,accuracy,loss,val_accuracy"]
    training = training or validation
    for epoch, pair in enumerate(zip(training, validation, strict=True)):
        rows.append(f"{epoch},{pair[0]},1.0,{pair[1]}")
    path.write_text("\n".join(rows) + "\n")
    return path


def draw(folder, *runs, training=None):
    """Draws runs from their validation accuracies and reads the plot."""
    logs = {
        f"run {index}": write_log(folder / f"{index}.csv", run, training)
        for index, run in enumerate(runs)
    }
    save_accuracy_curves(logs, folder / "curves.png")
    return read_png(folder / "curves.png")


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "epochs.csv", RISING)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "curves.png"


def test_every_run_has_two_curves_in_percent_from_epoch_1(
    tmp_path, monkeypatch
):
    training = (0.2, 0.3, 0.4, 0.9)
    with watch_figures(monkeypatch) as figures:
        draw(tmp_path, RISING, FALLING, training=training)
    (axes,) = figures[0].axes
    assert axes.get_ylim() == (0, 100)
    expected = [RISING, training, FALLING, training]
    for line, values in zip(axes.lines, expected, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array(values))
    colors = [to_rgb(line.get_color()) for line in axes.lines]
    assert colors == [FIRST, FIRST, SECOND, SECOND]
    styles = [line.get_linestyle() for line in axes.lines]
    assert styles == ["-", ":", "-", ":"]
    names = texts_of(axes.get_legend().get_texts())
    assert [name.split(" (")[0] for name in names] == [
        *("run 0, validation", "run 0, training"),
        *("run 1, validation", "run 1, training"),
    ]


def test_the_same_logs_draw_the_same_plot_of_all_runs(tmp_path):
    plot = draw(tmp_path, RISING, FALLING)
    np.testing.assert_array_equal(draw(tmp_path, RISING, FALLING), plot)
    assert plot.shape == (675, 1050, 3)  # 7 x 4.5 inches at 150 dpi
    assert is_color(plot, FIRST).sum() > 500
    assert is_color(plot, SECOND).sum() > 500


@pytest.mark.parametrize("column", ["epoch", "accuracy", "val_accuracy"])
def test_a_missing_column_is_named(column, log, path):
    header, rows = log.read_text().split("\n", 1)
    names = ["other" if name == column else name for name in header.split(",")]
    log.write_text(",".join(names) + "\n" + rows)
    message = rf"with the columns .*Received: .*without \['{column}'\]"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, path)
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "epoch,accuracy,loss,val_accuracy\n"])
def test_a_log_without_an_epoch_is_rejected(text, log, path, tmp_path):
    log.write_text(text)
    message = "Expected a CSV of epochs.*Received: .*epochs.csv without"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, path)
    assert list(tmp_path.iterdir()) == [log]


def test_a_failure_leaves_the_earlier_plot_alone(tmp_path, path, monkeypatch):
    before = draw(tmp_path, RISING)
    names = sorted(path.name for path in tmp_path.iterdir())
    with full_disk(monkeypatch):
        draw(tmp_path, FALLING)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    np.testing.assert_array_equal(read_png(path), before)


def test_another_metric_is_drawn(log, path, monkeypatch):
    log.write_text(log.read_text().replace("accuracy", "hit_at_1"))
    with watch_figures(monkeypatch) as figures:
        save_accuracy_curves({"run": log}, path, metric="hit_at_1")
    line, _ = figures[0].axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), 100 * np.array(RISING))
    with pytest.raises(ValueError, match=r"without \['gap', 'val_gap'\]"):
        save_accuracy_curves({"run": log}, path, metric="gap")


def test_a_metric_above_1_is_rejected(log, path):
    write_log(log, (0.5, 1.5))
    message = r"from 0 to 1. Received: val_accuracy=1.5 in .*epochs.csv"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, path)
    assert not path.exists()


@pytest.mark.parametrize(
    "folders, names",
    [
        (["runs/a", "/other/b/"], ["a", "b"]),
        (
            ["x/first/run", "x/second/run", "x/third/plain"],
            ["first/run", "second/run", "third/plain"],
        ),
    ],
)
def test_runs_have_the_shortest_names_that_differ(folders, names):
    expected = [pathlib.Path.cwd() / folder for folder in folders]
    assert name_runs(folders) == dict(zip(names, expected, strict=True))
