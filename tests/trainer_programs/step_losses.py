"""Trains twenty steps on some devices, evaluates and prints JSON.

    python step_losses.py DATA_DIR NUM_DEVICES

prints `losses`, every step's own, and under each split's name what evaluation
measures. Splits do not fill their last batch.
"""

import functools
import json
import pathlib
import sys
import tempfile

import keras

from ac_keras import cluster_classifier
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches

BATCH_SIZE = 8
STEPS = 20


class StepLosses:
    """A log that keeps the loss of each step and nothing else."""

    def __init__(self):
        self.losses = []

    def begin_epoch(self, epoch, step, steps):
        """Does nothing."""

    def step(self, step, total, values):
        self.losses.append(values["loss"])

    def times(self, steps):
        return {}

    def epoch(self, history, new=True):
        """Does nothing."""


def make_model(description):
    return cluster_classifier(
        {name: x.dim for name, x in description.modalities.items()},
        dict.fromkeys(description.modalities, 3),
        description.num_classes,
        dropout=0.0,
    )


def make_trainer(description, directory):
    """The loop, its evaluator and its log, under a strategy's scope."""
    model = make_model(description)
    evaluator = training.Evaluator(
        model, training.evaluation_metrics(description)
    )
    trainer = training.Trainer(
        model,
        training.UpdateStep(model, keras.optimizers.Adam(0.02)),
        None,
        batch_size=BATCH_SIZE,
        steps_per_epoch=STEPS,
        epochs=1,
        directory=directory,
        best=training.BestEpoch(training.LAST),
    )
    return trainer, evaluator


def read_training(manifest, epoch, step, shard):
    return training_batches(
        manifest,
        batch_size=BATCH_SIZE,
        first_epoch=epoch,
        first_step=step,
        shard=shard,
    )


def main(data_dir, num_devices):
    strategy = training.make_strategy("mirrored", int(num_devices))
    keras.utils.set_random_seed(1)
    manifest, log = Manifest.load(data_dir), StepLosses()
    with (
        tempfile.TemporaryDirectory() as directory,
        training.StopSignal() as signals,
        strategy.scope(),
    ):
        trainer, evaluator = make_trainer(
            manifest.description, pathlib.Path(directory)
        )
        read = functools.partial(read_training, manifest)
        trainer.fit(read, None, log, signals)
    result = {"losses": log.losses, "replicas": strategy.num_replicas_in_sync}
    for split in ("validation", "test"):
        result[split] = evaluator.evaluate(
            lambda size, shard, split=split: evaluation_batches(
                manifest, split, batch_size=size, shard=shard
            ),
            BATCH_SIZE,
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
