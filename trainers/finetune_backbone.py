r"""Trains a backbone on clips, as a temporal segment network.

    python trainers/finetune_backbone.py --data_dir=records/mine_inputs \
        --modality=rgb --backbone=small --output_dir=runs/mine_rgb

The dataset holds the inputs that `extract_features.py` writes with
`--MODALITY_backbone=none`. Training draws one frame from each of 7 segments of
a clip and averages their scores (Long et al., section 5.2; Wang et al., ECCV
2016).

`backbone.keras` in the output folder is the feature extractor of the epoch that
was best on the validation split. Use it with
`extract_features.py --rgb_backbone=runs/mine_rgb/backbone.keras`, or start the
flow backbone from it with `--inflate_from=runs/mine_rgb/backbone.keras`.

The same command resumes a run that was stopped.
"""

import functools
import json
import pathlib
import sys

import keras
from absl import app
from absl import flags
from absl import logging

from ac_keras import runs
from ac_keras import training
from ac_keras.extraction.backbones.loading import choose_backbone
from ac_keras.extraction.plan import input_shape_of
from ac_keras.models import segment_network
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from ac_keras.utils import keras_files

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset of inputs.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for all output files.", required=True
)
_MODALITY = flags.DEFINE_enum(
    "modality", "rgb", ["rgb", "flow", "audio"], "Modality to train on."
)
_BACKBONE = flags.DEFINE_string(
    "backbone",
    None,
    "Backbone to train: small, vgg16 for audio, a name in keras.applications, "
    "or a .keras file. Leave it out with --inflate_from.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights",
    None,
    "Initial weights of the backbone: imagenet or a file of weights. Random by "
    "default.",
)
_INFLATE_FROM = flags.DEFINE_string(
    "inflate_from",
    None,
    "RGB backbone from which a flow backbone is initialized.",
)
_SEGMENTS = flags.DEFINE_integer(
    "segments",
    7,
    "Number of segments of a clip, with one frame drawn from each in training.",
    lower_bound=1,
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames taken at equal intervals in evaluation; 0 takes all.",
    lower_bound=0,
)
_DROPOUT = flags.DEFINE_float(
    "dropout", 0.5, "Dropout rate of the features of a frame.", 0, 1
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate",
    1e-3,
    "Peak learning rate of Adam, with a cosine decay to 0.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 32, "Number of clips in a step.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer("epochs", 20, "Number of epochs.", lower_bound=1)
_IN_MEMORY = flags.DEFINE_bool(
    "in_memory", False, "Keep all training records in memory."
)
_STEPS_PER_EXECUTION = flags.DEFINE_integer(
    "steps_per_execution",
    8,
    "Number of steps between two checks of the loss.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of initial weights, order of clips, frames and dropout.",
    lower_bound=0,
)

BACKBONE = "backbone.keras"
FREE_FLAGS = ("data_dir", "output_dir")


def build_model(manifest: Manifest) -> tuple[keras.Model, keras.Model]:
    """Builds the segment network; returns it and its backbone."""
    backbone = choose_backbone(
        _MODALITY.value,
        input_shape_of(manifest.description, _MODALITY.value),
        source=_BACKBONE.value,
        weights=_WEIGHTS.value,
        inflate_from=_INFLATE_FROM.value,
    )
    if not isinstance(backbone, keras.Model):
        raise ValueError(
            "Expected a Keras network to train. Received: "
            f"--backbone={_BACKBONE.value}, whose runtime only applies it. "
            "Pass a name or a .keras file."
        )
    model = segment_network(
        _MODALITY.value,
        backbone,
        manifest.description.num_classes,
        _DROPOUT.value,
    )
    return model, backbone


def make_trainer(
    model: keras.Model, manifest: Manifest, directory: pathlib.Path
) -> training.Trainer:
    """Creates the training loop."""
    steps = steps_per_epoch(manifest, "train", _BATCH_SIZE.value)
    rate = training.make_schedule(
        "cosine", _LEARNING_RATE.value, total_steps=steps * _EPOCHS.value
    )
    metrics = training.training_metrics(manifest.description)
    return training.Trainer(
        model,
        training.UpdateStep(
            model, keras.optimizers.Adam(rate), seed=_SEED.value
        ),
        training.Evaluator(model, metrics),
        metrics=training.training_metrics(manifest.description),
        batch_size=_BATCH_SIZE.value,
        steps_per_epoch=steps,
        epochs=_EPOCHS.value,
        steps_per_execution=_STEPS_PER_EXECUTION.value,
        directory=directory,
        best=training.BestEpoch(),
    )


def train_data(manifest, epoch, step, shard):
    return training_batches(
        manifest,
        batch_size=_BATCH_SIZE.value,
        sample_size=_SEGMENTS.value,
        modalities=[_MODALITY.value],
        seed=_SEED.value,
        first_epoch=epoch,
        first_step=step,
        shard=shard,
        in_memory=_IN_MEMORY.value,
        frame_sampling="segments",
    )


def evaluate_data(manifest, split, size, shard):
    return evaluation_batches(
        manifest,
        split,
        batch_size=size,
        sample_size=_EVAL_FRAMES.value,
        modalities=[_MODALITY.value],
        shard=shard,
    )


def train(directory: pathlib.Path) -> dict:
    """Trains from the start, or from the last checkpoint.

    Returns:
        The result.

    Raises:
        ValueError: If flags, dataset and folder do not match.
        FileNotFoundError: If the dataset is missing.
        RunStopped: If a signal was received.
    """
    manifest = Manifest.load(_DATA_DIR.value)
    run = runs.Run(directory, runs.flag_values(), manifest, FREE_FLAGS)
    run.check()
    if run.is_complete:
        print(f"{directory} is complete.")
        return run.read_result()
    for split in ("validation", "test"):
        manifest.split(split)  # Raises ValueError if it is missing.
    keras.utils.set_random_seed(_SEED.value)
    model, backbone = build_model(manifest)
    trainer = make_trainer(model, manifest, directory)
    run.claim()
    backbone.summary()
    evaluate = functools.partial(evaluate_data, manifest)
    run.train(
        trainer,
        functools.partial(train_data, manifest),
        functools.partial(evaluate, "validation"),
        runs.RunLog(directory, _BATCH_SIZE.value, _EPOCHS.value),
    )
    run.load_best(model)
    metrics = training.evaluation_metrics(manifest.description)
    evaluator = training.Evaluator(model, metrics)
    test = evaluator.with_intervals(
        evaluator.evaluate(
            functools.partial(evaluate, "test"), _BATCH_SIZE.value
        )
    )
    keras_files.save_model(backbone, directory / BACKBONE)
    result = run.summarize(model, test)
    run.finish(result)
    return result


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    logging.set_verbosity(logging.WARNING)
    directory = pathlib.Path(_OUTPUT_DIR.value)
    try:
        result = train(directory)
    except (
        FileNotFoundError,
        ValueError,
        ImportError,
        training.NonFiniteLossError,
        training.RunStopped,
    ) as error:
        sys.exit(str(error))
    print(json.dumps(result, indent=1))
    print(f"The feature extractor is {directory / BACKBONE}")


if __name__ == "__main__":
    app.run(main)
