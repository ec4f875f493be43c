"""The log of a run: progress on the terminal, a CSV file and TensorBoard."""

import csv
import io
import pathlib
import sys
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ac_keras.models import attention_model
from ac_keras.training.training_log import TIMES
from ac_keras.training.training_log import TrainingLog
from ac_keras.utils import atomic_file
from ac_keras.visualization.attention_maps import attention_plot
from ac_keras.visualization.attention_maps import weights_entropy


class RunLog(TrainingLog):
    """Shows progress and writes `epochs.csv` and TensorBoard events.

    Args:
        directory: Folder of the run.
        batch_size: Number of clips in a step.
        epochs: Number of epochs of the whole run.
        log_steps: Number of steps between two points of TensorBoard's step
            curves; 0 disables them.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        batch_size: int,
        epochs: int,
        log_steps: int = 0,
    ):
        super().__init__(batch_size)
        self.directory = directory
        self.epochs = epochs
        self.log_steps = log_steps
        self._bar = None
        self._probe = None
        self._total = None
        folder = directory / "tensorboard"
        self._writers = {
            split: tf.summary.create_file_writer(str(folder / split))
            for split in ("train", "validation")
        }

    def watch(self, model: keras.Model, features: dict) -> None:
        """Adds the attention of a model on some clips to TensorBoard.

        Args:
            model: A model of `cluster_classifier`.
            features: Features of a batch of clips.
        """
        self._probe = attention_model(model), features

    def begin_epoch(self, epoch: int, first_step: int, num_steps: int) -> None:
        """Starts the progress bar of an epoch, if there is a terminal."""
        super().begin_epoch(epoch, first_step, num_steps)
        if sys.stdout.isatty():
            print(f"Epoch {epoch + 1}/{self.epochs}")
            self._bar = keras.utils.Progbar(
                max(num_steps - first_step, 1), stateful_metrics=["clips/s"]
            )

    def step(self, step: int, total: int, values: dict[str, float]) -> None:
        """Updates the progress bar and TensorBoard's step curves."""
        if self._bar is not None:
            rate = round(self.clips_per_second(step))
            values = {**values, "clips/s": rate}
            self._bar.update(step - self._first_step, list(values.items()))
        before = total - 1 if self._total is None else self._total
        self._total = total
        # Several steps may have been completed since the last call.
        every = self.log_steps
        if every and total // every > before // every:
            with self._writers["train"].as_default(step=total):
                for name, value in values.items():
                    tf.summary.scalar(f"step_{name}", value)

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Writes `epochs.csv`; prints and draws the last epoch if it is new."""
        if not history:
            return
        text = io.StringIO()
        columns = dict.fromkeys(name for row in history for name in row)
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(history)
        atomic_file.write_text(self.directory / "epochs.csv", text.getvalue())
        if new:
            epoch = history[-1]["epoch"]
            self._print(history)
            self._write_scalars(history[-1])
            # Attention is drawn in about twenty epochs of a run.
            if self._probe and epoch % max(self.epochs // 20, 1) == 0:
                self._write_attention(epoch)

    def _print(self, history):
        row = dict(history[-1])
        number = row.pop("epoch") + 1
        if self._bar is not None:
            print()
            self._bar = None
        metrics = [
            f"{name} {value:.4g}"
            for name, value in row.items()
            if name not in TIMES
        ]
        left = (self.epochs - number) * np.mean([x[TIMES[0]] for x in history])
        print(
            f"Epoch {number}/{self.epochs}: {', '.join(metrics)}; "
            f"{row[TIMES[1]]:,.0f} clips/s, {duration(left)} left",
            flush=True,
        )

    def _write_scalars(self, row):
        for name, value in row.items():
            split = "train"
            if name.startswith("val_"):
                split, name = "validation", name.removeprefix("val_")
            if name != "epoch":
                with self._writers[split].as_default(step=row["epoch"]):
                    tf.summary.scalar(f"epoch_{name}", value)

    def _write_attention(self, epoch):
        model, features = self._probe
        outputs = model(features, training=False)
        scores = {
            name.removesuffix("_attention"): np.asarray(x, np.float64)
            for name, x in outputs.items()
            if name.endswith("_attention")
        }
        with self._writers["validation"].as_default(step=epoch) as writer:
            for name, weights in scores.items():
                entropy = attention_entropy(weights)
                tf.summary.scalar(f"attention_entropy/{name}", entropy)
            plot = attention_plot({k: v[0] for k, v in scores.items()})
            tf.summary.image("attention", tf.io.decode_png(plot)[None])
            writer.flush()


def attention_entropy(scores: np.ndarray) -> float:
    """Computes the mean entropy of weights `(batch, num_units, num_frames)`.

    It is in nats: log(num_frames) for a unit that weights all frames equally,
    and 0 for one that attends to a single frame. Clips whose weights are all 0
    are left out.
    """
    entropy = weights_entropy(scores)
    present = scores.sum(axis=-1) > 0
    return float(entropy[present].mean()) if present.any() else 0.0


def duration(seconds: float) -> str:
    """Formats a duration, such as `2 h 5 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
