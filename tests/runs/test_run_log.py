"""Logs of a run: epochs.csv, TensorBoard, and a line an epoch."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from ac_keras import cluster_classifier
from ac_keras.runs import RunLog

DIMS = {"rgb": 4, "audio": 3}
COUNTS = {"rgb": [5, 3, 1], "audio": [2, 0, 1]}  # frames of three clips
FEATURES = {
    name: np.random.default_rng(dim).normal(size=(3, 5, dim)).astype("float32")
    for name, dim in DIMS.items()
}


def row(epoch, **values):
    return {
        "epoch": epoch,
        "loss": 1.5 / (epoch + 1),
        "learning_rate": 0.01,
        "seconds": 2.0,
        "clips_per_second": 1234.5,
        "val_loss": 0.5 + epoch,
        **values,
    }


def read_csv(folder):
    with open(folder / "epochs.csv", newline="") as file:
        return list(csv.DictReader(file))


def tensors(folder, split, tag):
    """Returns what TensorBoard has of a tag by step."""
    events = event_accumulator.EventAccumulator(
        str(folder / "tensorboard" / split),
        {event_accumulator.TENSORS: 0},
    ).Reload()
    return {
        event.step: tf.make_ndarray(event.tensor_proto)
        for event in events.Tensors(tag)
    }


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = cluster_classifier(DIMS, {"rgb": 3, "audio": 2}, 4)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=x.shape) for x in model.weights])
    return model


@pytest.fixture(scope="module")
def logged(model, tmp_path_factory):
    """The folder of a log of 40 epochs, of which three are written."""
    folder = tmp_path_factory.mktemp("logged")
    log = RunLog(folder, 8, epochs=40, log_steps=2)
    counts = {f"{k}_num_frames": np.array(x) for k, x in COUNTS.items()}
    log.watch(model, {**FEATURES, **counts})
    history = []
    for epoch in range(3):
        log.begin_epoch(epoch, 0, 4)
        for step in range(1, 5):
            total = 4 * epoch + step
            log.step(step, total, {"loss": 100.0 / total})
        history.append(row(epoch))
        log.epoch(history)
    return folder


def numpys_entropy(kernel, frames, counts):
    """Computes the mean entropy of each unit's attention, clip by clip."""
    found = []
    for clip, count in zip(frames.astype("float64"), counts, strict=True):
        if count:
            weights = np.exp(clip[:count] @ kernel)
            weights /= weights.sum(axis=0)
            found.append(-np.sum(weights * np.log(weights), axis=0))
    return np.mean(found)


def test_every_epoch_is_a_row_and_every_metric_a_column(logged, tmp_path):
    expected = [{k: str(x) for k, x in row(i).items()} for i in range(3)]
    assert read_csv(logged) == expected
    RunLog(tmp_path, 8, 5).epoch([row(0), row(1, more=7)])
    assert [x["more"] for x in read_csv(tmp_path)] == ["", "7"]


def test_rows_of_a_run_that_goes_on_are_not_doubled(tmp_path):
    RunLog(tmp_path, 8, 5).epoch([], new=False)
    assert not (tmp_path / "epochs.csv").exists()
    rows = [row(0), row(1), row(2)]
    RunLog(tmp_path, 8, 5).epoch(rows)
    again = RunLog(tmp_path, 8, 5)
    again.epoch(rows[:2], new=False)  # The third was not saved.
    assert [x["epoch"] for x in read_csv(tmp_path)] == ["0", "1"]
    again.epoch(rows)
    assert [x["epoch"] for x in read_csv(tmp_path)] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "split, tag, name",
    [
        ("train", "epoch_loss", "loss"),
        ("train", "epoch_learning_rate", "learning_rate"),
        ("train", "epoch_clips_per_second", "clips_per_second"),
        ("validation", "epoch_loss", "val_loss"),
    ],
)
def test_tensorboard_has_every_figure_of_an_epoch(split, tag, name, logged):
    expected = {epoch: row(epoch)[name] for epoch in range(3)}
    assert tensors(logged, split, tag) == pytest.approx(expected)


def test_tensorboard_has_the_loss_of_some_steps(logged, tmp_path):
    expected = {step: 100.0 / step for step in range(2, 13, 2)}
    assert tensors(logged, "train", "step_loss") == pytest.approx(expected)
    log = RunLog(tmp_path, 8, epochs=1, log_steps=5)
    log.begin_epoch(0, 6, 100)
    for total in (9, 12, 15, 18, 21):
        log.step(total, total, {"loss": 1.0})
    log.epoch([row(0)])
    assert list(tensors(tmp_path, "train", "step_loss")) == [12, 15, 21]


@pytest.mark.parametrize("name", DIMS)
def test_tensorboard_has_the_entropy_of_attention(name, logged, model):
    kernel = model.get_layer("clusters").clusters[name].get_weights()[0]
    entropy = numpys_entropy(kernel, FEATURES[name], COUNTS[name])
    assert entropy > 0.05
    found = tensors(logged, "validation", f"attention_entropy/{name}")
    assert found[0] == pytest.approx(entropy, rel=1e-5)


def test_attention_is_drawn_in_twenty_epochs_of_a_run(logged):
    entropy = tensors(logged, "validation", "attention_entropy/rgb")
    images = tensors(logged, "validation", "attention")
    assert list(entropy) == list(images) == [0, 2]
    width, height, png = images[0]
    image = tf.io.decode_png(png).numpy()
    assert image.shape[:2] == (int(height), int(width))
    assert min(image.shape[:2]) > 200 and image.std() > 10


def test_an_epoch_is_a_line_with_its_figures_and_the_time_left(
    tmp_path, capsys
):
    RunLog(tmp_path, 8, epochs=93).epoch([row(0), row(1, seconds=58.0)])
    assert capsys.readouterr().out == (
        "Epoch 2/93: loss 0.75, learning_rate 0.01, val_loss 1.5; "
        "1,234 clips/s, 45 min 30 s left\n"
    )


def test_clips_are_counted_from_the_step_where_the_epoch_goes_on(tmp_path):
    log = RunLog(tmp_path, 8, epochs=1)
    log.begin_epoch(0, 3, 4)
    assert log.times(3)["clips_per_second"] == 0
    times = log.times(4)
    assert times["clips_per_second"] > 0 and times["seconds"] >= 0
