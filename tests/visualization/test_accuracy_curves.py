"""save_accuracy_curves: several runs' accuracy in one picture."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from ac_keras.visualization import save_accuracy_curves
from support.visualization.png_pixels import is_color
from support.visualization.png_pixels import read_png

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
    """Draws runs from their validation accuracies and reads the picture."""
    logs = {
        f"run {index}": write_log(folder / f"{index}.csv", run, training)
        for index, run in enumerate(runs)
    }
    save_accuracy_curves(logs, folder / "curves.png")
    return read_png(folder / "curves.png")


def curve_height(picture, color=FIRST):
    """Mean row of a curve in the left third, where no legend is."""
    width = picture.shape[1]
    rows, _ = np.nonzero(is_color(picture[:, : width // 3], color))
    return rows.mean()


def curve_rows(picture, color=FIRST):
    """Mean row of a curve in each column left of the legend."""
    width = picture.shape[1]
    drawn = is_color(picture[:, : width // 3], color)
    drawn = drawn[:, drawn.any(axis=0)]
    return (drawn * np.arange(len(drawn))[:, None]).sum(0) / drawn.sum(0)


def test_the_picture_has_the_documented_size(tmp_path):
    picture = draw(tmp_path, RISING)
    assert picture.shape == (675, 1050, 3)  # 7 x 4.5 inches at 150 dpi


def test_every_run_has_a_curve_of_its_own(tmp_path):
    one = draw(tmp_path, RISING)
    two = draw(tmp_path, RISING, FALLING)
    assert is_color(one, FIRST).sum() > 500
    assert not is_color(one, SECOND).any()
    assert is_color(two, FIRST).sum() > 500
    assert is_color(two, SECOND).sum() > 500


def test_a_higher_accuracy_is_higher_in_proportion(tmp_path):
    low, middle, high = (
        curve_height(draw(tmp_path, (value,) * 3)) for value in (0.25, 0.5, 0.7)
    )
    assert high < middle < low
    assert (low - middle) / (middle - high) == pytest.approx(5 / 4, rel=0.03)


def test_epochs_go_from_left_to_right(tmp_path):
    rising = curve_rows(draw(tmp_path, RISING))
    falling = curve_rows(draw(tmp_path, FALLING))
    assert rising[0] - rising[-1] > 100  # rows count from the top
    assert falling[-1] - falling[0] > 50


def test_epochs_count_from_one_and_accuracy_is_in_percent(
    tmp_path, monkeypatch
):
    figures = []
    savefig = Figure.savefig

    def watch(figure, *arguments, **kwargs):
        figures.append(figure)
        savefig(figure, *arguments, **kwargs)

    monkeypatch.setattr(Figure, "savefig", watch)
    draw(tmp_path, RISING)
    (axes,) = figures[0].axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [10, 40, 60, 65])
    assert axes.get_ylim() == (0, 100)


def test_one_changed_value_changes_the_picture(tmp_path):
    before = draw(tmp_path, RISING)
    after = draw(tmp_path, (*RISING[:-1], RISING[-1] + 0.05))
    assert np.abs(before - after).max() > 0.5


def test_the_training_accuracy_is_drawn_as_well(tmp_path):
    before = draw(tmp_path, RISING, training=(0.2, 0.3, 0.4, 0.5))
    after = draw(tmp_path, RISING, training=(0.2, 0.3, 0.4, 0.9))
    assert np.abs(before - after).max() > 0.2
    np.testing.assert_allclose(curve_rows(before)[:5], curve_rows(after)[:5])


def test_the_same_logs_draw_the_same_picture(tmp_path):
    first, second = draw(tmp_path, RISING), draw(tmp_path, RISING)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("column", ["epoch", "accuracy", "val_accuracy"])
def test_a_missing_column_is_named(column, tmp_path):
    log = write_log(tmp_path / "epochs.csv", RISING)
    header, rows = log.read_text().split("\n", 1)
    names = ["other" if name == column else name for name in header.split(",")]
    log.write_text(",".join(names) + "\n" + rows)
    message = rf"with the columns .*Received: .*without \['{column}'\]"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("text", ["", "epoch,accuracy,loss,val_accuracy\n"])
def test_a_log_without_an_epoch_is_refused(text, tmp_path):
    log = tmp_path / "epochs.csv"
    log.write_text(text)
    message = "Expected a CSV of epochs.*Received: .*epochs.csv without"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, tmp_path / "curves.png")
    assert [path.name for path in tmp_path.iterdir()] == ["epochs.csv"]


def test_a_failure_leaves_the_earlier_picture_alone(tmp_path, monkeypatch):
    before = draw(tmp_path, RISING)
    names = sorted(path.name for path in tmp_path.iterdir())

    def fail_half_way(figure, path, **kwargs):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", fail_half_way)
        with pytest.raises(OSError, match="No space left"):
            draw(tmp_path, FALLING)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    np.testing.assert_array_equal(read_png(tmp_path / "curves.png"), before)


def test_runs_that_measure_no_accuracy_are_drawn(tmp_path):
    log = write_log(tmp_path / "epochs.csv", RISING)
    save_accuracy_curves({"run": log}, tmp_path / "accuracy.png")
    log.write_text(log.read_text().replace("accuracy", "hit_at_1"))
    save_accuracy_curves({"run": log}, tmp_path / "hit.png", metric="hit_at_1")
    accuracy, hit = read_png(tmp_path / "accuracy.png"), tmp_path / "hit.png"
    np.testing.assert_allclose(curve_rows(read_png(hit)), curve_rows(accuracy))
    with pytest.raises(ValueError, match=r"without \['gap', 'val_gap'\]"):
        save_accuracy_curves({"run": log}, hit, metric="gap")


def test_a_metric_that_is_no_share_is_refused(tmp_path):
    log = write_log(tmp_path / "epochs.csv", (0.5, 1.5))
    message = r"from 0 to 1. Received: val_accuracy=1.5 in .*epochs.csv"
    with pytest.raises(ValueError, match=message):
        save_accuracy_curves({"run": log}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
