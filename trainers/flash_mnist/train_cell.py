"""Training of one cell of Table 1, which can be stopped and resumed."""

import dataclasses
import pathlib
from collections.abc import Callable
from collections.abc import Sequence

import keras
import tensorflow as tf

from ac_keras import training
from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from ac_keras.models import cluster_classifier
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from ac_keras.runs import folder
from ac_keras.training.training_log import TrainingLog
from ac_keras.utils import keras_files
from cells import HIDDEN_UNITS
from cells import Cell
from cells import Protocol

CURVE = "curve.json"
SITTINGS = "sittings.json"  # runs of the sweep, beside its cells
EVALUATION_BATCH_SIZE = 2048
STEPS_PER_EXECUTION = 32
MODEL = "model.keras"


class CellLog(TrainingLog):
    """Writes the metrics of all epochs to `curve.json`.

    Args:
        directory: Folder of the cell.
        batch_size: Number of clips in a training step.
    """

    def __init__(self, directory: pathlib.Path, batch_size: int):
        super().__init__(batch_size)
        self.directory = directory

    def epoch(self, history: Sequence[dict], new: bool = True) -> None:
        """Writes the epochs that are complete."""
        if history:
            folder.write_json(self.directory / CURVE, list(history))


def build_model(
    cell: Cell,
    protocol: Protocol,
    manifest: Manifest,
    shifting_class: type[ShiftingCluster] = ShiftingCluster,
) -> keras.Model:
    """Builds the classifier of a cell.

    Args:
        cell: The cell.
        protocol: Settings of the training.
        manifest: Manifest of the dataset.
        shifting_class: Class of the cluster in cells with shifting.

    Raises:
        ValueError: If the dataset has several modalities, or several labels
            per clip.
    """
    check_dataset(manifest)
    description = manifest.description
    ((name, modality),) = description.modalities.items()
    arguments = (cell.num_units, cell.weighting, HIDDEN_UNITS)
    if cell.shift:
        initializer = training.parse_initializer
        cluster = shifting_class(
            *arguments,
            alpha_initializer=initializer(protocol.alpha_initializer),
            beta_initializer=initializer(protocol.beta_initializer),
            name=name,
        )
    else:
        cluster = AttentionCluster(*arguments, name=name)
    return cluster_classifier(
        {name: modality.dim},
        {name: cluster},
        description.num_classes,
        protocol.dropout,
    )


def check_dataset(manifest: Manifest) -> None:
    """Checks that cells can be trained on a dataset.

    Raises:
        ValueError: If it has several modalities, or several labels per clip.
    """
    description = manifest.description
    if description.multi_label:
        raise ValueError(
            "Expected a dataset with one label per clip, as in Table 1. "
            f"Received: {manifest.directory} with multi_label=True. Use "
            "trainers/train.py instead."
        )
    if len(description.modalities) != 1:
        raise ValueError(
            "Expected a dataset with one modality, as in Table 1. Received: "
            f"{manifest.directory} with {', '.join(description.modalities)}. "
            "Prepare it with one modality."
        )


def run_cell(
    cell: Cell,
    protocol: Protocol,
    data_dir: pathlib.Path,
    root: pathlib.Path,
    build: Callable[[Cell, Protocol, Manifest], keras.Model] = build_model,
) -> dict:
    """Trains a cell, tests it once, and writes its files.

    The folder receives `flags.json` (the settings), `dataset.json`,
    `curve.json` (every epoch), `model.keras` (the best epoch on the validation
    split), and finally `result.json`. A cell that was stopped or killed resumes
    at its last epoch and ends with the same bits.

    Args:
        cell: The cell.
        protocol: Settings of the training.
        data_dir: Folder of a dataset with one modality.
        root: Folder of the cells of the protocol.
        build: Function that builds the model.

    Returns:
        Content of `result.json`.

    Raises:
        ValueError: If the folder holds another run, or the dataset has
            several modalities or labels per clip, lacks a split, or has fewer
            clips than a batch.
        training.RunStopped: If a signal stopped the training.
    """
    manifest = Manifest.load(data_dir)
    directory, settings = cell.folder(root), settings_of(cell, protocol)
    result_file = directory / folder.RESULT
    folder.check(directory, settings, manifest)
    if result_file.is_file():
        return folder.read_json(result_file)
    # Invalid datasets raise here, before the folder is claimed.
    for split in ("validation", "test"):
        manifest.split(split)
    steps_per_epoch(manifest, "train", protocol.batch_size)
    keras.utils.set_random_seed(cell.seed)
    model = build(cell, protocol, manifest)
    folder.claim(directory, settings, manifest)
    metrics = training.training_metrics(manifest.description)
    evaluator = training.Evaluator(model, metrics)
    trainer = make_trainer(
        cell, protocol, manifest, model, evaluator, directory
    )
    history = _fit(trainer, cell, protocol, manifest)
    model.load_weights(directory / training.BEST_WEIGHTS)
    test = evaluator.evaluate(
        lambda size, share: evaluation_data(manifest, "test"),
        EVALUATION_BATCH_SIZE,
    )
    keras_files.save_model(model, directory / MODEL)
    best = history[trainer.best.index(history)]
    result = {
        **dataclasses.asdict(cell),
        "protocol": root.name,
        "settings": dataclasses.asdict(protocol),
        **_metrics(best, test, history),
        "parameters": model.count_params(),
        "product_flops_per_epoch": count_flops(cell, protocol, manifest),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    folder.write_json(result_file, result)
    trainer.state.remove()  # A complete cell does not need its checkpoints.
    (directory / training.BEST_WEIGHTS).unlink(missing_ok=True)
    return result


def _fit(trainer, cell, protocol, manifest):
    batches = evaluation_data(manifest, "validation").cache()
    with training.StopSignal() as signals:
        return trainer.fit(
            training_data(cell, protocol, manifest),
            lambda size, share: batches,
            CellLog(trainer.directory, protocol.batch_size),
            signals,
        )


def _metrics(best, test, history):
    """Returns the part of a result that was measured."""
    return {
        **{f"validation_{name}": best[f"val_{name}"] for name in test},
        **{f"test_{name}": value for name, value in test.items()},
        "best_epoch": best["epoch"] + 1,
        "epochs": len(history),
        "training_seconds": round(sum(x["seconds"] for x in history), 1),
    }


def settings_of(cell: Cell, protocol: Protocol) -> dict:
    """Returns all settings that a result depends on, except the dataset."""
    return {**dataclasses.asdict(cell), **dataclasses.asdict(protocol)}


def make_trainer(
    cell: Cell,
    protocol: Protocol,
    manifest: Manifest,
    model: keras.Model,
    evaluator: training.Evaluator,
    directory: pathlib.Path,
) -> training.Trainer:
    """Makes the training loop of a cell."""
    steps = steps_per_epoch(manifest, "train", protocol.batch_size)
    rate = training.make_schedule(
        protocol.schedule,
        protocol.learning_rate,
        total_steps=steps * protocol.epochs,
        warmup_steps=round(steps * protocol.warmup_epochs),
    )
    update_step = training.UpdateStep(
        model,
        keras.optimizers.Adam(rate),
        classifier_lr_multiplier=protocol.classifier_rate,
        seed=cell.seed,
    )
    accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    return training.Trainer(
        model,
        update_step,
        evaluator,
        metrics=[accuracy],
        batch_size=protocol.batch_size,
        steps_per_epoch=steps,
        epochs=protocol.epochs,
        steps_per_execution=STEPS_PER_EXECUTION,
        directory=directory,
        best=training.BestEpoch(),
    )


def training_data(cell: Cell, protocol: Protocol, manifest: Manifest):
    """Returns a function that makes training batches, held in memory."""
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1

    def batches(epoch, step, share):
        return training_batches(
            manifest,
            batch_size=protocol.batch_size,
            seed=cell.seed,
            first_epoch=epoch,
            first_step=step,
            in_memory=True,
        ).with_options(options)

    return batches


def evaluation_data(manifest: Manifest, split: str) -> tf.data.Dataset:
    """Returns the evaluation batches of a split."""
    return evaluation_batches(manifest, split, batch_size=EVALUATION_BATCH_SIZE)


def count_flops(cell: Cell, protocol: Protocol, manifest: Manifest) -> int:
    """Counts the operations of the matrix products in an epoch.

    Raises:
        ValueError: If the dataset is not valid for cells, or too small.
    """
    check_dataset(manifest)
    ((name, modality),) = manifest.description.modalities.items()
    num_frames = manifest.split("train").max_num_frames[name]
    num_classes = manifest.description.num_classes
    steps = steps_per_epoch(manifest, "train", protocol.batch_size)
    num_clips = steps * protocol.batch_size
    return num_clips * cell.product_flops(modality.dim, num_frames, num_classes)
