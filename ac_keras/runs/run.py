"""A training run: from the claim of its folder to its result."""

import pathlib
import sys
from collections.abc import Collection
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from ac_keras.pipeline import Manifest
from ac_keras.runs import folder
from ac_keras.training import BEST_WEIGHTS
from ac_keras.training import StopSignal
from ac_keras.training import Trainer
from ac_keras.training import TrainingLog
from ac_keras.training.evaluator import EvaluationData
from ac_keras.training.trainer import TrainingData

MEGABYTE = 1e6


class Run:
    """A training run in a folder of its own.

    The program that owns the run builds the model, the trainer and the data:

        run = Run(directory, flag_values(), manifest)
        if run.is_complete:
            return run.read_result()
        run.claim()
        run.train(trainer, training_data, validation_data, log)
        run.load_best(model)
        result = run.summarize(model, evaluator.evaluate(test_data, 64))
        run.finish(result)

    A run that was stopped or killed resumes from its last checkpoint when the
    same steps are repeated.

    Args:
        directory: Folder of the run.
        settings: All settings that the run depends on, as JSON values.
        manifest: Manifest of the dataset.
        free: Names in `settings` that may change when the run is resumed.

    Attributes:
        history: Metrics of every epoch, after `train`.
        best: Metrics of the best epoch, after `train`.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        settings: Mapping,
        manifest: Manifest,
        free: Collection[str] = (),
    ):
        self.directory = directory
        self.settings = settings
        self.manifest = manifest
        self.free = free

    @property
    def result_path(self) -> pathlib.Path:
        """Path of the file whose presence completes the run."""
        return self.directory / folder.RESULT

    @property
    def is_complete(self) -> bool:
        """True once the result has been written."""
        return self.result_path.is_file()

    def check(self) -> None:
        """Checks that the folder is free or belongs to this run.

        Raises:
            ValueError: If it belongs to another run.
        """
        folder.check(self.directory, self.settings, self.manifest, self.free)

    def claim(self) -> None:
        """Claims the folder.

        Raises:
            ValueError: If it belongs to another run.
        """
        folder.claim(self.directory, self.settings, self.manifest, self.free)

    def read_result(self) -> dict:
        """Reads the result of a complete run."""
        return folder.read_json(self.result_path)

    def train(
        self,
        trainer: Trainer,
        training_data: TrainingData,
        validation_data: EvaluationData | None,
        log: TrainingLog | None,
    ) -> list[dict]:
        """Trains to the last epoch and stops on SIGTERM and Ctrl-C.

        Args:
            trainer: Training loop, whose directory is the run's.
            training_data: Function to the training batches; see
                `Trainer.fit`.
            validation_data: Function to the validation batches, or None.
            log: Receiver of the progress, or None.

        Returns:
            The metrics of every epoch.

        Raises:
            RunStopped: If a signal was received.
            NonFiniteLossError: If a loss is not finite.
        """
        self._trainer = trainer
        with StopSignal() as signals:
            self.history = trainer.fit(
                training_data, validation_data, log, signals
            )
        self.best = self.history[trainer.best.index(self.history)]
        return self.history

    def load_best(self, model: keras.Model) -> keras.Model:
        """Loads the weights of the best epoch into a model and returns it."""
        model.load_weights(self.directory / BEST_WEIGHTS)
        return model

    def summarize(
        self, model: keras.Model, test: Mapping[str, float], **more
    ) -> dict:
        """Returns the result of the run.

        Args:
            model: Model of the best epoch.
            test: Metrics of the test split, by name.
            **more: Further values of the result.
        """
        seconds = sum(row["seconds"] for row in self.history)
        return {
            **{f"test_{name}": value for name, value in test.items()},
            **{
                f"validation_{name.removeprefix('val_')}": value
                for name, value in self.best.items()
                if name.startswith("val_")
            },
            "best_epoch": self.best["epoch"] + 1,
            "epochs": len(self.history),
            "training_seconds": round(seconds, 1),
            "parameters": model.count_params(),
            **more,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        }

    def finish(self, result: Mapping) -> None:
        """Writes `result.json`, which completes the run.

        The checkpoints are removed.
        """
        folder.write_json(self.result_path, dict(result))
        self._trainer.state.remove()


def flag_values() -> dict:
    """Returns the values of all flags that the running program defines."""
    defined = flags.FLAGS.flags_by_module_dict()[sys.argv[0]]
    return {flag.name: flag.value for flag in defined}


def write_mean(results: Mapping[str, dict], directory: pathlib.Path) -> dict:
    """Writes mean and standard deviation of results over several datasets.

    Args:
        results: Result of the run on each dataset, by the dataset's name.
        directory: Folder that holds the folders of the runs.

    Returns:
        The names of the datasets, and mean and standard deviation of each
        metric of the test split.
    """
    names = [
        name
        for name, value in next(iter(results.values())).items()
        if name.startswith("test_") and isinstance(value, float)
    ]
    values = {name: [x[name] for x in results.values()] for name in names}
    summary = {
        "datasets": list(results),
        "mean": {name: float(np.mean(x)) for name, x in values.items()},
        "standard_deviation": {
            name: float(np.std(x)) for name, x in values.items()
        },
    }
    folder.write_json(directory / folder.RESULT, summary)
    return summary


def describe_run(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batches: tf.data.Dataset,
    *,
    num_clips: int,
    steps_per_epoch: int,
    epochs: int,
    num_averages: int = 0,
) -> str:
    """Formats shapes, parameter counts, memory and steps for a dry run.

    Args:
        model: Model to train.
        optimizer: Its optimizer.
        batches: Training batches, of which one is read.
        num_clips: Number of clips in the training split.
        steps_per_epoch: Number of steps in an epoch.
        epochs: Maximum number of epochs.
        num_averages: Number of further copies of the weights.
    """
    lines: list[str] = []
    model.summary(line_length=80, print_fn=lambda line, **_: lines.append(line))
    features, labels = next(iter(batches))
    for name, x in [*features.items(), ("labels", labels)]:
        lines.append(f"{name}: {tuple(x.shape)} {x.dtype.name}")
    batch = sum(x.numpy().nbytes for x in [*features.values(), labels])
    optimizer.build(model.trainable_variables)
    weights = _num_bytes(model.variables)
    copies = weights * (2 + num_averages) + _num_bytes(optimizer.variables)
    lines += [
        f"Parameters: {model.count_params():,}",
        f"Memory: weights {weights / MEGABYTE:,.1f} MB; with gradients, "
        f"optimizer and averages {copies / MEGABYTE:,.1f} MB on each device; "
        f"a batch {batch / MEGABYTE:,.1f} MB",
        f"Steps: {steps_per_epoch:,} in an epoch of {num_clips:,} clips, "
        f"{steps_per_epoch * epochs:,} in {epochs} epochs",
    ]
    return "\n".join(lines)


def _num_bytes(variables):
    return sum(
        int(np.prod(x.shape)) * np.dtype(x.dtype).itemsize for x in variables
    )
