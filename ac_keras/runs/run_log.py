"""What a run tells while it goes: terminal, CSV and TensorBoard."""

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
from ac_keras.visualization import attention_maps
from ac_keras.visualization.attention_maps import weights_entropy


class RunLog(TrainingLog):
    """Shows progress and writes `epochs.csv` and TensorBoard's files.

    Args:
        directory: The run's folder.
        batch_size: Clips in a step.
        epochs: Epochs of the whole run.
        log_steps: Steps between two points of TensorBoard's curves; 0 has
            points for epochs alone.
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
        """Logs from now on what a model attends to in some clips."""
        self._probe = attention_model(model), features

    def begin_epoch(self, epoch: int, first_step: int, num_steps: int) -> None:
        """Starts the progress bar, at the step where the epoch goes on."""
        self._first_step = first_step
        self.clock.begin(first_step)
        if sys.stdout.isatty():
            print(f"Epoch {epoch + 1}/{self.epochs}")
            self._bar = keras.utils.Progbar(
                max(num_steps - first_step, 1), stateful_metrics=["clips/s"]
            )

    def step(self, step: int, total: int, values: dict[str, float]) -> None:
        """Shows that an epoch's first `step` steps are done.

        Args:
            step: Steps that are done of the epoch.
            total: Steps that are done of the run.
            values: Figures of the newest step.
        """
        if self._bar is not None:
            values = {**values, "clips/s": round(self.clock.rate(step))}
            self._bar.update(step - self._first_step, list(values.items()))
        before = total - 1 if self._total is None else self._total
        self._total = total
        # Several steps may have been done since.
        if (
            self.log_steps
            and total // self.log_steps > before // self.log_steps
        ):
            with self._writers["train"].as_default(step=total):
                for name, value in values.items():
                    tf.summary.scalar(f"step_{name}", value)

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Writes the epochs that are done.

        Args:
            history: Their figures.
            new: Whether the newest is to be shown.
        """
        if not history:
            return
        text, names = (
            io.StringIO(),
            dict.fromkeys(k for x in history for k in x),
        )
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(history)
        atomic_file.write_text(self.directory / "epochs.csv", text.getvalue())
        if new:
            self._show(history)
            self._write_scalars(history[-1])
            if self._is_pictured(history[-1]["epoch"]):
                self._write_attention(history[-1]["epoch"])

    def _show(self, history):
        row = dict(history[-1])
        number = row.pop("epoch") + 1
        if self._bar is not None:
            print()
            self._bar = None
        figures = [
            f"{name} {value:.4g}"
            for name, value in row.items()
            if name not in TIMES
        ]
        left = (self.epochs - number) * np.mean([x[TIMES[0]] for x in history])
        print(
            f"Epoch {number}/{self.epochs}: {', '.join(figures)}; "
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

    def _is_pictured(self, epoch):
        """Tells whether to draw attention: in about twenty epochs of a run."""
        return epoch % max(self.epochs // 20, 1) == 0

    def _write_attention(self, epoch):
        if self._probe is None:
            return
        model, features = self._probe
        outputs = model(features, training=False)
        scores = {
            name: np.asarray(outputs[f"{name}_attention"], np.float64)
            for name in model.get_layer("clusters").modalities
        }
        with self._writers["validation"].as_default(step=epoch) as writer:
            for name, weights in scores.items():
                entropy = attention_entropy(weights)
                tf.summary.scalar(f"attention_entropy/{name}", entropy)
            picture = attention_maps({k: v[0] for k, v in scores.items()})
            tf.summary.image("attention", tf.io.decode_png(picture)[None])
            writer.flush()


def attention_entropy(scores: np.ndarray) -> float:
    """Gives the mean entropy of attention, in nats.

    It is log(num_frames) where units look at all frames alike and 0 where
    each looks at one.

    Args:
        scores: `(batch, num_units, num_frames)`; clips of which nothing is
            attended to do not count.
    """
    entropy = weights_entropy(scores)
    present = scores.sum(axis=-1) > 0
    return float(entropy[present].mean()) if present.any() else 0.0


def duration(seconds: float) -> str:
    """Puts a time into words."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
