"""A small run, made again each time as a process that starts again makes it."""

import keras
import numpy as np
import tensorflow as tf

from ac_keras import cluster_classifier
from ac_keras import training
from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches

NUM_CLASSES = 3
BATCH_SIZE = 8
SIZES = {"train": 18, "validation": 13}
STEPS = SIZES["train"] // BATCH_SIZE  # an epoch
EVALUATIONS = 2  # batches of validation, the second not full
LOOKS = STEPS + EVALUATIONS + 1  # at the signals, in an epoch
DIM = 4


def write_clips(directory, seed=0):
    """Writes noise around a mean for each class, in two files."""
    description = Description(
        "small", tuple("abc"), {"rgb": Modality(DIM)}, seed=seed
    )
    writer = DatasetWriter(directory, description, dict.fromkeys(SIZES, 2))

    def clips_of(split, shard):
        rng = np.random.default_rng([seed, len(split), shard])
        for i in range(
            SIZES[split] * shard // 2, SIZES[split] * (shard + 1) // 2
        ):
            frames = rng.normal(i % NUM_CLASSES, 1, (rng.integers(1, 6), DIM))
            frames = {"rgb": frames.astype("float32")}
            yield Clip(f"{split}-{i}", (i % NUM_CLASSES,), frames)

    return writer.write(clips_of)


class Killed(BaseException):
    """A kill: nothing in a run catches it."""


class AtLooks:
    """In place of signals: calls a function with the number of each look.

    A run looks at its signals after each step, before each batch of an
    evaluation and after an epoch.
    """

    def __init__(self, act=lambda look: None):
        self.act = act
        self.looks = 0

    @property
    def received(self):
        self.looks += 1
        return self.act(self.looks)


def kill_at(look):
    """Returns signals that kill the run at the n-th look."""

    def act(number):
        if number == look:
            raise Killed

    return AtLooks(act)


def signal_after(looks):
    """Returns signals that are SIGTERM after so many looks."""
    return AtLooks(lambda number: "SIGTERM" if number > looks else None)


def make_trainer(directory, *, rate=0.01, patience=0, **options):
    """Makes model, optimizer and loop, with dropout and ema_model."""
    directory.mkdir(exist_ok=True)
    keras.utils.set_random_seed(0)
    model, ema_model = (
        cluster_classifier({"rgb": DIM}, {"rgb": 2}, NUM_CLASSES)
        for _ in range(2)
    )
    ema_model.set_weights(model.get_weights())
    update_step = training.UpdateStep(
        model,
        keras.optimizers.RMSprop(rate),
        clip_norm=1.0,
        ema_model=ema_model,
        ema_momentum=0.5,
    )
    accuracy = keras.metrics.SparseCategoricalAccuracy
    arguments = {
        "best_model": ema_model,
        "metrics": [accuracy(name="accuracy")],
        "batch_size": BATCH_SIZE,
        "steps_per_epoch": STEPS,
        "epochs": 2,
        "directory": directory,
        "best": training.BestEpoch("val_loss", patience),
        "checkpoint_seconds": 1e9,
    }
    return training.Trainer(
        model,
        update_step,
        training.Evaluator(ema_model, [accuracy(name="accuracy")]),
        **{**arguments, **options},
    )


def train(
    manifest,
    directory,
    signals=None,
    *,
    in_memory=False,
    broken_step=-1,
    broken_validation=False,
    strategy=None,
    **options,
):
    """Runs, from the start or from where the folder's run was left.

    Returns:
        The trainer when it is done.
    """
    with (strategy or tf.distribute.get_strategy()).scope():
        trainer = make_trainer(directory, **options)

    def spoil(index, batch):
        features, labels = batch
        factor = tf.where(index == broken_step, float("inf"), 1.0)
        return {**features, "rgb": features["rgb"] * factor}, labels

    def batches(epoch, step, shard):
        found = training_batches(
            manifest,
            batch_size=BATCH_SIZE,
            sample_size=3,
            first_epoch=epoch,
            first_step=step,
            shard=shard,
            in_memory=in_memory,
        )
        if broken_step < 0:
            return found
        return found.enumerate(epoch * STEPS + step).map(spoil)

    def validation(batch_size, shard):
        found = evaluation_batches(
            manifest, "validation", batch_size=batch_size, shard=shard
        )
        if not broken_validation:
            return found
        return found.map(lambda *batch: spoil(broken_step, batch))

    trainer.fit(batches, validation, None, signals or AtLooks())
    return trainer


def validation_of(manifest):
    """Returns the validation batches as NumPy arrays."""
    return evaluation_batches(
        manifest, "validation", batch_size=BATCH_SIZE
    ).as_numpy_iterator()


def bits(trainer):
    """Returns the bytes of every weight of both models, and the metrics."""
    weights = trainer.model.get_weights() + trainer.best_model.get_weights()
    assert all(np.abs(x).max() > 0 for x in weights)
    return [x.tobytes() for x in weights], trainer.state.history
