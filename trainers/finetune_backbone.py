r"""Trains a backbone on clips, as a temporal segment network.

    python trainers/finetune_backbone.py --data_dir=records/mine_inputs \
        --modality=rgb --backbone=small --output_dir=runs/mine_rgb

takes records of what `extract_features.py` with `--MODALITY_backbone=none`
keeps, draws one frame of each of 7 segments and averages their scores (Long et
al., section 5.2; Wang et al., ECCV 2016). `backbone.keras` in the output folder
is the feature extractor of the epoch that was best on the validation split;
`extract_features.py --rgb_backbone=runs/mine_rgb/backbone.keras` takes it. Flow
begins from RGB by `--inflate_from=runs/mine_rgb/backbone.keras`. A run that was
stopped goes on where it was when the same command is given again.
"""

import functools
import json
import pathlib
import sys

import keras
import tensorflow as tf
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
from ac_keras.runs import folder
from ac_keras.utils import keras_files

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset of inputs.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for everything that comes out.", required=True
)
_MODALITY = flags.DEFINE_enum(
    "modality", "rgb", ["rgb", "flow", "audio"], "What to train on."
)
_BACKBONE = flags.DEFINE_string(
    "backbone",
    None,
    "`small`, `vgg16` for audio, a name in keras.applications or a .keras "
    "file; left out where --inflate_from tells.",
)
_WEIGHTS = flags.DEFINE_string(
    "weights", None, "`imagenet` or a file of weights; none by default."
)
_INFLATE_FROM = flags.DEFINE_string(
    "inflate_from", None, "The backbone of RGB that flow begins from."
)
_SEGMENTS = flags.DEFINE_integer(
    "segments", 7, "Frames of a clip, in training.", lower_bound=1
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames", 0, "Frames at equal intervals; 0 takes all.", lower_bound=0
)
_DROPOUT = flags.DEFINE_float("dropout", 0.5, "Of a frame's feature.", 0, 1)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "Adam's, falling to 0 by a cosine.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 32, "Clips in a step.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer("epochs", 20, "How many.", lower_bound=1)
_IN_MEMORY = flags.DEFINE_bool(
    "in_memory", False, "Whether to hold the training records in memory."
)
_STEPS_PER_EXECUTION = flags.DEFINE_integer(
    "steps_per_execution", 8, "Steps between two looks.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Decides everything.", lower_bound=0)

BACKBONE = "backbone.keras"
FREE_FLAGS = ("data_dir", "output_dir")


def make_backbone(manifest: Manifest) -> keras.Model:
    """Makes the backbone that training begins with."""
    shape = input_shape_of(manifest.description, _MODALITY.value)
    return choose_backbone(
        _MODALITY.value,
        shape,
        source=_BACKBONE.value,
        weights=_WEIGHTS.value,
        inflate_from=_INFLATE_FROM.value,
    )


def make_trainer(
    model: keras.Model, manifest: Manifest, directory: pathlib.Path
) -> training.Trainer:
    """Makes the loop around a model."""
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


def train_data(manifest, epoch, step, share):
    return training_batches(
        manifest,
        batch_size=_BATCH_SIZE.value,
        sample_size=_SEGMENTS.value,
        modalities=[_MODALITY.value],
        seed=_SEED.value,
        first_epoch=epoch,
        first_step=step,
        share=share,
        in_memory=_IN_MEMORY.value,
        random_draw="segments",
    )


def evaluate_data(manifest, split, size, share):
    return evaluation_batches(
        manifest,
        split,
        batch_size=size,
        sample_size=_EVAL_FRAMES.value,
        modalities=[_MODALITY.value],
        share=share,
    )


def train(directory: pathlib.Path) -> dict:
    """Trains from the start, or from where it was stopped.

    Returns:
        The result.

    Raises:
        ValueError: If flags, dataset and folder do not fit.
        FileNotFoundError: If the dataset is missing.
        RunStopped: If a signal came.
    """
    manifest = Manifest.load(_DATA_DIR.value)
    folder.check(directory, flag_values(), manifest, FREE_FLAGS)
    if (directory / folder.RESULT).is_file():
        print(f"{directory} is complete.")
        return folder.read_json(directory / folder.RESULT)
    for split in ("validation", "test"):
        manifest.split(split)  # or raises
    keras.utils.set_random_seed(_SEED.value)
    backbone = make_backbone(manifest)
    model = segment_network(
        _MODALITY.value,
        backbone,
        manifest.description.num_classes,
        _DROPOUT.value,
    )
    trainer = make_trainer(model, manifest, directory)
    folder.claim(directory, flag_values(), manifest, FREE_FLAGS)
    backbone.summary()
    evaluate = functools.partial(evaluate_data, manifest)
    with training.StopSignal() as signals:
        history = trainer.fit(
            functools.partial(train_data, manifest),
            functools.partial(evaluate, "validation"),
            runs.RunLog(directory, _BATCH_SIZE.value, _EPOCHS.value),
            signals,
        )
    model.load_weights(directory / training.BEST_WEIGHTS)
    metrics = training.evaluation_metrics(manifest.description)
    test = training.Evaluator(model, metrics).evaluate(
        functools.partial(evaluate, "test"), _BATCH_SIZE.value
    )
    keras_files.save_model(backbone, directory / BACKBONE)
    best = history[trainer.best.index(history)]
    result = {
        **{f"test_{name}": value for name, value in test.items()},
        **{f"validation_{x[4:]}": best[x] for x in best if x[:4] == "val_"},
        "best_epoch": best["epoch"] + 1,
        "epochs": len(history),
        "training_seconds": round(sum(x["seconds"] for x in history), 1),
        "parameters": model.count_params(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    folder.write_json(directory / folder.RESULT, result)
    trainer.state.remove()
    return result


def flag_values() -> dict:
    """Gives all flags of this program."""
    found = flags.FLAGS.flags_by_module_dict()[sys.argv[0]]
    return {flag.name: flag.value for flag in found}


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
