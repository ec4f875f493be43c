"""Trains attention clusters on a dataset of local features.

    python trainers/train.py --flagfile=flash_mnist.flags

A flagfile without a folder is also searched in trainers/flags. The output
folder receives:

- the flags, TensorBoard logs and a CSV file with the metrics of all epochs;
- the model that was best on the validation split, and its metrics on the test
  split, which is read once;
- a SavedModel, which is checked in a separate process;
- plots and report.html.

The same command resumes a run that was stopped.
"""

import functools
import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras import runs
from ac_keras import training
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import skip_corrupt_records
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from ac_keras.utils import atomic_file
from ac_keras.utils.deprecated_flags import define_deprecated_flag

# Input and output.
_DATA_DIR = flags.DEFINE_list(
    "data_dir",
    None,
    "Folder of the dataset. Several folders are trained on one after the "
    "other, and the mean of their results is reported.",
    required=True,
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for all output files.", required=True
)
_TRAIN_SPLIT = flags.DEFINE_string("train_split", "train", "Split to train on.")
_VALIDATION_SPLIT = flags.DEFINE_string(
    "validation_split",
    "validation",
    "Split on which the best epoch is chosen. If empty, the last epoch is "
    "kept.",
)
_TEST_SPLIT = flags.DEFINE_string(
    "test_split", "test", "Split to test on, once, at the end."
)
_TRAIN_FRAMES = flags.DEFINE_integer(
    "train_frames",
    0,
    "Number of frames drawn at random from each clip and modality in "
    "training; 0 takes all.",
    lower_bound=0,
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames taken at equal intervals in evaluation; 0 takes all.",
    lower_bound=0,
)
_IN_MEMORY = flags.DEFINE_bool(
    "in_memory", False, "Keep all training records in memory."
)
_SKIP_CORRUPT_RECORDS = flags.DEFINE_bool(
    "skip_corrupt_records",
    False,
    "Read all records before training and leave out the corrupt ones, which "
    "are listed in skipped_records.txt. By default a corrupt record is an "
    "error.",
)

# Model.
_STANDARDIZE = flags.DEFINE_enum(
    "standardize",
    "scale",
    ["scale", "feature", "none"],
    "Standardization of frames inside the model: subtract the mean of each "
    "feature over the training split, and divide by one deviation for all "
    "features (scale), by that of each (feature), or do neither (none).",
)
_NUM_UNITS = flags.DEFINE_list(
    "num_units",
    "32",
    "Number of attention units: one number for every modality, or "
    "MODALITY:NUMBER pairs for the modalities to use, such as "
    "rgb:64,flow:32,audio:32.",
)
_WEIGHTING = flags.DEFINE_enum(
    "weighting",
    "fc1",
    ["average", "fc1", "fc2"],
    "Weighting function of the attention units (Eq. 3, 4 and 5).",
)
_HIDDEN_UNITS = flags.DEFINE_integer(
    "hidden_units",
    10,
    "Number of units in the hidden layer of the fc2 weighting.",
    lower_bound=1,
)
_SHIFT = flags.DEFINE_bool(
    "shift", True, "Apply the shifting operation to each unit (Eq. 7)."
)
_ALPHA_INITIALIZER = flags.DEFINE_string(
    "alpha_initializer",
    "constant:1",
    "Initializer of the scale parameter alpha (Eq. 7): constant:VALUE or "
    "normal:STANDARD_DEVIATION.",
)
_BETA_INITIALIZER = flags.DEFINE_string(
    "beta_initializer",
    "normal:0.5",
    "Initializer of the shift parameter beta (Eq. 7): constant:VALUE or "
    "normal:STANDARD_DEVIATION.",
)
_MEAN_FEATURES = flags.DEFINE_bool(
    "mean_features",
    False,
    "Replace a modality that a clip lacks by the mean feature of the training "
    "split (section 5.2). By default it is replaced by zeros.",
)
_DROPOUT = flags.DEFINE_float(
    "dropout",
    0.5,
    "Dropout rate before the classifier.",
    lower_bound=0,
    upper_bound=1,
)

# Optimization.
_OPTIMIZER = flags.DEFINE_enum(
    "optimizer", "adam", ["adam", "rmsprop", "sgd"], "Optimizer."
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "Peak learning rate.", lower_bound=0
)
_CLASSIFIER_LR_MULTIPLIER = flags.DEFINE_float(
    "classifier_lr_multiplier",
    10,
    "Factor on the learning rate of the classifier. With shifting and few "
    "units, 30 and more improve accuracy; see docs/results/flash_mnist.md.",
    lower_bound=0,
)
define_deprecated_flag("classifier_rate", _CLASSIFIER_LR_MULTIPLIER)
_SCHEDULE = flags.DEFINE_enum(
    "schedule",
    "cosine",
    ["constant", "cosine", "step"],
    "Learning rate schedule. cosine decays to 0 at the last epoch, step drops "
    "after --drop_epochs.",
)
_WARMUP_EPOCHS = flags.DEFINE_float(
    "warmup_epochs",
    0,
    "Number of epochs in which the learning rate rises linearly from 0.",
    lower_bound=0,
)
_DROP_EPOCHS = flags.DEFINE_list(
    "drop_epochs",
    [],
    "Numbers of epochs after which the learning rate drops, with "
    "--schedule=step.",
)
_DROP_FACTOR = flags.DEFINE_float(
    "drop_factor", 0.1, "Factor on the learning rate at each drop."
)
_CLIP_NORM = flags.DEFINE_float(
    "clip_norm",
    0,
    "Maximum L2 norm of all gradients together (section 5.4); 0 disables "
    "clipping.",
    lower_bound=0,
)
_CLASS_WEIGHTS = flags.DEFINE_bool(
    "class_weights",
    False,
    "Weight each clip by 1/S, where S is the number of clips in its class "
    "(section 5.4). The mean weight stays 1.",
)
_EMA_MOMENTUM = flags.DEFINE_float(
    "ema_momentum",
    0,
    "Momentum of an exponential moving average of the weights, such as 0.999. "
    "The averaged weights are evaluated and kept. 0 disables it.",
    lower_bound=0,
    upper_bound=1,
)
define_deprecated_flag("average_momentum", _EMA_MOMENTUM)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size",
    0,
    "Number of clips in a step, over all devices; 0 takes 64, or fewer for a "
    "small training split, so that an epoch has 8 steps.",
    lower_bound=0,
)
_GRADIENT_ACCUMULATION_STEPS = flags.DEFINE_integer(
    "gradient_accumulation_steps",
    1,
    "Number of parts into which each device splits its clips of a batch, to "
    "save memory. The update is still that of the whole batch.",
    lower_bound=1,
)

# Duration and checkpoints.
_EPOCHS = flags.DEFINE_integer(
    "epochs",
    0,
    "Maximum number of epochs; 0 takes 30, or more for a small training split, "
    "so that there are 2,000 steps.",
    lower_bound=0,
)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    0,
    "Number of epochs without improvement after which training stops; 0 "
    "disables early stopping.",
    lower_bound=0,
)
_BEST_METRIC = flags.DEFINE_string(
    "best_metric",
    None,
    "Column of epochs.csv by which the best epoch is chosen, or last for the "
    "last epoch. Defaults to val_accuracy, or to val_gap if clips have several "
    "labels.",
)
_CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    10,
    "Maximum number of minutes between two checkpoints. A checkpoint is also "
    "written after each epoch, unless it would take more than 2 % of the time.",
    lower_bound=0,
)
_LOG_STEPS = flags.DEFINE_integer(
    "log_steps",
    100,
    "Number of steps between two points of TensorBoard's step curves; 0 "
    "disables them.",
    lower_bound=0,
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Print shapes, parameter counts, memory and steps, and exit.",
)

# Devices.
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "mirrored",
    ["mirrored", "one_device", "multi_host"],
    "Devices to train on: all GPUs of this machine, one device, or several "
    "hosts.",
)
_CLUSTER = flags.DEFINE_enum(
    "cluster",
    "tf_config",
    ["tf_config", "slurm"],
    "Source of the other hosts' addresses, with --strategy=multi_host.",
)
_LOGICAL_DEVICES = flags.DEFINE_integer(
    "logical_devices",
    1,
    "Number of logical CPU devices to split every batch over, on a machine "
    "without a GPU.",
    lower_bound=1,
)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "Keras dtype policy of the layers.",
)
_STEPS_PER_EXECUTION = flags.DEFINE_integer(
    "steps_per_execution",
    1,
    "Number of steps between two checks of the loss. Larger values speed up a "
    "fast device.",
    lower_bound=1,
)
_JIT_COMPILE = flags.DEFINE_bool(
    "jit_compile",
    False,
    "Compile loss and gradients with XLA. This is slower on a CPU and does not "
    "work with several logical devices.",
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic",
    True,
    "Use deterministic operations only, so that the same seed gives the same "
    "bits. --nodeterministic is faster on a GPU.",
)
_SEED = flags.DEFINE_integer(
    "seed",
    0,
    "Seed of initial weights, order of clips, frames and dropout.",
    lower_bound=0,
)

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
FLAGFILES = REPOSITORY / "trainers" / "flags"
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
# Flags that may change when a run is resumed.
FREE_FLAGS = (
    "checkpoint_minutes",
    "data_dir",
    "dry_run",
    "log_steps",
    "output_dir",
    "skip_corrupt_records",
)


def with_shipped_flagfiles(argv: list[str]) -> list[str]:
    """Replaces a `--flagfile` that is not found by the one in trainers/flags.

    Raises:
        SystemExit: If there is no such file.
    """
    found = []
    for index, argument in enumerate(argv):
        option, equals, name = argument.partition("=")
        after = index and argv[index - 1].lstrip("-") == "flagfile"
        if after or (equals and option.lstrip("-") == "flagfile"):
            path = pathlib.Path(name if equals else argument)
            if not path.exists():
                shipped = FLAGFILES / path
                if not shipped.is_file():
                    names = sorted(x.name for x in FLAGFILES.iterdir())
                    raise SystemExit(
                        "Expected --flagfile to name a file or one of "
                        f"{', '.join(names)}. Received: {str(path)!r}."
                    )
                argument = f"{option}={shipped}" if equals else str(shipped)
        found.append(argument)
    return found


def load_manifest(data_dir: str) -> Manifest:
    """Reads a dataset's manifest. If it is missing, names the README.

    Raises:
        FileNotFoundError: If the manifest or one of its files is missing.
        ValueError: If a file does not match the manifest.
    """
    try:
        return Manifest.load(data_dir, _SKIP_CORRUPT_RECORDS.value)
    except FileNotFoundError as error:
        readmes = [
            REPOSITORY / "data" / part / "README.md"
            for part in pathlib.Path(data_dir).parts
        ]
        named = [f" See {x}." for x in readmes if x.is_file()]
        raise FileNotFoundError(f"{error}{''.join(named)}") from None


def splits() -> list[str]:
    """Lists the splits to read."""
    names = (_TRAIN_SPLIT.value, _VALIDATION_SPLIT.value, _TEST_SPLIT.value)
    return [name for name in names if name]


def check_flags(manifest: Manifest, strategy: tf.distribute.Strategy) -> None:
    """Raises ValueError if flags, dataset and devices do not match.

    It comes before the folder is claimed for flags that cannot work.
    """
    for split in splits():
        manifest.split(split)
    devices = strategy.num_replicas_in_sync * _GRADIENT_ACCUMULATION_STEPS.value
    if batch_size(manifest) % devices:
        raise ValueError(
            "Expected --batch_size to be a multiple of the number of devices "
            f"times --gradient_accumulation_steps, {devices}. Received: "
            f"{batch_size(manifest)}. Choose another batch size."
        )
    split = manifest.split(_TRAIN_SPLIT.value)
    if _STANDARDIZE.value != "none" and not split.feature_deviations:
        raise ValueError(
            f"Expected feature deviations in the manifest of "
            f"{manifest.directory}. Received: none, since version 0.1.0 made "
            "it. Add them by python data/add_deviations.py --data_dir="
            f"{manifest.directory}, or train with --standardize=none."
        )
    if _CLASS_WEIGHTS.value and manifest.description.multi_label:
        raise ValueError(
            "Expected --class_weights with one label a clip. Received: "
            f"{manifest.directory}, which is multi-label. Leave the flag out."
        )
    make_optimizer(num_steps(manifest))
    for initializer in (_ALPHA_INITIALIZER, _BETA_INITIALIZER):
        training.parse_initializer(initializer.value)
    chosen = best_rule(manifest.description)
    known = training.metric_names(
        manifest.description, validated=bool(_VALIDATION_SPLIT.value)
    )
    if chosen.metric not in (training.LAST, *known):
        raise ValueError(
            f"Expected --best_metric among last, {', '.join(known)}, with "
            f"--validation_split={_VALIDATION_SPLIT.value!r}. Received: "
            f"{chosen.metric}. Name one of them or leave the flag out."
        )


def without_corrupt_records(
    manifest: Manifest, output_dir: pathlib.Path, is_chief: bool
) -> Manifest:
    """Leaves corrupt records out; the chief lists them in a file."""
    manifest, records = skip_corrupt_records(manifest, splits())
    empty = [x for x in splits() if not manifest.split(x).num_clips]
    if empty:
        raise ValueError(
            f"Expected at least one valid clip in split {empty[0]!r}. "
            f"Received: {len(records)} corrupt records and no other in "
            f"{manifest.directory}. Make or copy the files again."
        )
    if is_chief:
        text = "".join(f"{x}\n" for x in records)
        print(f"{len(records)} corrupt records are skipped:\n{text}")
        if not _DRY_RUN.value:
            path = output_dir / "skipped_records.txt"
            atomic_file.write_text(path, text)
    return manifest


def make_data(manifest: Manifest, modalities: list[str]):
    """Returns functions that read training and evaluation batches."""

    def train(epoch, step, shard, **options):
        return training_batches(
            manifest,
            _TRAIN_SPLIT.value,
            batch_size=batch_size(manifest),
            sample_size=_TRAIN_FRAMES.value,
            modalities=modalities,
            seed=_SEED.value,
            first_epoch=epoch,
            first_step=step,
            shard=shard,
            in_memory=_IN_MEMORY.value,
            **options,
        )

    def evaluate(split, batch_size, shard=(0, 1), **options):
        return evaluation_batches(
            manifest,
            split,
            batch_size=batch_size,
            sample_size=_EVAL_FRAMES.value,
            modalities=modalities,
            shard=shard,
            **options,
        )

    return train, evaluate


def build_model(manifest: Manifest, num_units: dict[str, int]) -> keras.Model:
    """Builds the classifier that the flags describe."""
    description = manifest.description
    split = manifest.split(_TRAIN_SPLIT.value)
    means = {}
    if _MEAN_FEATURES.value:
        means = {
            name: split.mean_features[name]
            for name in num_units
            # Old manifests do not count the clips without a modality.
            if any(x.num_absent.get(name, 1) for x in manifest.splits.values())
        }
    standardize = _STANDARDIZE.value if _STANDARDIZE.value != "none" else None
    if standardize:  # The mean of standardized frames is zero.
        means = {name: np.zeros_like(mean) for name, mean in means.items()}
    model = cluster_classifier(
        dims={name: description.modalities[name].dim for name in num_units},
        clusters={
            name: make_cluster(name, units) for name, units in num_units.items()
        },
        num_classes=description.num_classes,
        dropout=_DROPOUT.value,
        mean_features=means,
        multi_label=description.multi_label,
        standardize=standardize,
    )
    if standardize:
        model.set_statistics(split.mean_features, split.feature_deviations)
    return model


def make_cluster(name: str, num_units: int) -> AttentionCluster:
    """Creates the attention cluster of one modality."""
    arguments = (num_units, _WEIGHTING.value, _HIDDEN_UNITS.value)
    if not _SHIFT.value:
        return AttentionCluster(*arguments, name=name)
    return ShiftingCluster(
        *arguments,
        alpha_initializer=training.parse_initializer(_ALPHA_INITIALIZER.value),
        beta_initializer=training.parse_initializer(_BETA_INITIALIZER.value),
        name=name,
    )


def batch_size(manifest: Manifest) -> int:
    """Returns the number of clips in a step."""
    num_clips = manifest.split(_TRAIN_SPLIT.value).num_clips
    return _BATCH_SIZE.value or training.choose_batch_size(num_clips)


def num_epochs(steps: int) -> int:
    """Returns the number of epochs of a number of steps."""
    return _EPOCHS.value or training.choose_epochs(steps)


def num_steps(manifest: Manifest) -> int:
    """Returns the number of steps in an epoch."""
    return steps_per_epoch(manifest, _TRAIN_SPLIT.value, batch_size(manifest))


def make_optimizer(steps: int) -> keras.optimizers.Optimizer:
    """Creates the optimizer for epochs of a number of steps."""
    rate = training.make_schedule(
        _SCHEDULE.value,
        _LEARNING_RATE.value,
        total_steps=steps * num_epochs(steps),
        warmup_steps=round(steps * _WARMUP_EPOCHS.value),
        drop_steps=tuple(round(steps * float(x)) for x in _DROP_EPOCHS.value),
        drop_factor=_DROP_FACTOR.value,
    )
    return OPTIMIZERS[_OPTIMIZER.value](rate)


def best_rule(description: Description) -> training.BestEpoch:
    """Returns the rule that chooses the best epoch."""
    default = "val_gap" if description.multi_label else "val_accuracy"
    if not _VALIDATION_SPLIT.value:
        default = training.LAST
    return training.BestEpoch(_BEST_METRIC.value or default, _PATIENCE.value)


def make_trainer(
    model: keras.Model, manifest: Manifest, output_dir: pathlib.Path
) -> training.Trainer:
    """Creates the training loop. Call it under the strategy's scope."""
    description = manifest.description
    steps = num_steps(manifest)
    ema_model = None
    if _EMA_MOMENTUM.value:
        ema_model = model.from_config(model.get_config())
        ema_model.set_weights(model.get_weights())
    class_weights = None
    if _CLASS_WEIGHTS.value:
        counts = manifest.split(_TRAIN_SPLIT.value).class_counts
        class_weights = training.balanced_class_weights(counts)
    update_step = training.UpdateStep(
        model,
        make_optimizer(steps),
        multi_label=description.multi_label,
        class_weights=class_weights,
        classifier_lr_multiplier=_CLASSIFIER_LR_MULTIPLIER.value,
        clip_norm=_CLIP_NORM.value,
        gradient_accumulation_steps=_GRADIENT_ACCUMULATION_STEPS.value,
        ema_model=ema_model,
        ema_momentum=_EMA_MOMENTUM.value,
        scale_loss=_DTYPE_POLICY.value == "mixed_float16",
        seed=_SEED.value,
        jit_compile=_JIT_COMPILE.value,
    )
    best_model = ema_model or model
    return training.Trainer(
        model,
        update_step,
        training.Evaluator(
            best_model,
            training.evaluation_metrics(description),
            description.multi_label,
        ),
        best_model=best_model,
        metrics=training.training_metrics(description),
        batch_size=batch_size(manifest),
        steps_per_epoch=steps,
        epochs=num_epochs(steps),
        steps_per_execution=_STEPS_PER_EXECUTION.value,
        directory=output_dir,
        best=best_rule(description),
        checkpoint_seconds=60 * _CHECKPOINT_MINUTES.value,
    )


def print_dry_run(model: keras.Model, manifest: Manifest, train_data) -> None:
    """Prints shapes, parameter counts, memory and steps."""
    steps = num_steps(manifest)
    print(
        runs.describe_run(
            model,
            make_optimizer(steps),
            train_data(0, 0, (0, 1)),
            num_clips=manifest.split(_TRAIN_SPLIT.value).num_clips,
            steps_per_epoch=steps,
            epochs=num_epochs(steps),
            num_averages=int(_EMA_MOMENTUM.value > 0),
        )
    )


def make_log(trainer: training.Trainer, evaluate) -> runs.RunLog | None:
    """Creates the log of the run on the chief, and prints the model."""
    if not trainer.is_chief:
        return None
    trainer.model.summary()
    log = runs.RunLog(
        trainer.directory,
        trainer.batch_size,
        trainer.epochs,
        _LOG_STEPS.value,
    )
    if _VALIDATION_SPLIT.value:
        features, _ = next(iter(evaluate(_VALIDATION_SPLIT.value, 16)))
        log.watch(trainer.best_model, features)
    return log


def train_on(
    data_dir: str, output_dir: pathlib.Path, strategy: tf.distribute.Strategy
) -> dict | None:
    """Trains on one dataset, from the start or from the last checkpoint.

    Returns:
        The result; None from a dry run, or on a host that is not the chief.

    Raises:
        FileNotFoundError: If the dataset is missing.
        RunStopped: If a signal was received.
        ValueError: If flags, dataset, devices and folder do not match, a
            record is corrupt, or a loss is not finite.
    """
    manifest, is_chief = load_manifest(data_dir), training.is_chief(strategy)
    check_flags(manifest, strategy)
    num_units = training.parse_num_units(
        _NUM_UNITS.value, list(manifest.description.modalities)
    )
    run = runs.Run(output_dir, runs.flag_values(), manifest, FREE_FLAGS)
    if not _DRY_RUN.value:
        if is_chief:
            run.claim()
        if run.is_complete:
            print(f"{output_dir} is complete: see {run.result_path}.")
            return run.read_result()
    if _SKIP_CORRUPT_RECORDS.value:
        manifest = without_corrupt_records(manifest, output_dir, is_chief)
    keras.utils.set_random_seed(_SEED.value)
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    train_data, evaluate = make_data(manifest, list(num_units))
    explain_errors = functools.partial(
        runs.explain_errors,
        manifest,
        batch_at=functools.partial(train_data, shard=(0, 1), with_ids=True),
    )
    with strategy.scope():
        model = build_model(manifest, num_units)
        if _DRY_RUN.value:
            with explain_errors([_TRAIN_SPLIT.value]):
                return print_dry_run(model, manifest, train_data)
        trainer = make_trainer(model, manifest, output_dir)
    validation, validation_data = _VALIDATION_SPLIT.value, None
    if validation:
        validation_data = functools.partial(evaluate, validation)
    with explain_errors([x for x in (_TRAIN_SPLIT.value, validation) if x]):
        log = make_log(trainer, evaluate)
        run.train(trainer, train_data, validation_data, log)
    result = None
    if is_chief:
        with explain_errors([_TEST_SPLIT.value]):
            result = finish(run, manifest, num_units, evaluate)
    trainer.wait_for_hosts()
    return result


def finish(
    run: runs.Run, manifest: Manifest, num_units: dict[str, int], evaluate
) -> dict:
    """Tests and exports the best model, in float32 and on one device."""
    keras.config.set_dtype_policy("float32")
    result = runs.finish_classifier(
        run,
        run.load_best(build_model(manifest, num_units)),
        manifest,
        functools.partial(evaluate, _TEST_SPLIT.value),
        batch_size=batch_size(manifest),
        sample_size=_EVAL_FRAMES.value,
    )
    print(json.dumps(result, indent=1))
    print(f"Everything is in {run.directory}")
    return result


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    logging.set_verbosity(logging.WARNING)
    output_dir, results = pathlib.Path(_OUTPUT_DIR.value), {}
    try:
        strategy = training.make_strategy(
            _STRATEGY.value, _LOGICAL_DEVICES.value, _CLUSTER.value
        )
        if _DETERMINISTIC.value:
            tf.config.experimental.enable_op_determinism()
        for data_dir in _DATA_DIR.value:
            name = pathlib.Path(data_dir).name
            folder = (
                output_dir / name if len(_DATA_DIR.value) > 1 else output_dir
            )
            with runs.explain_lost_hosts(training.num_hosts(strategy)):
                results[name] = train_on(data_dir, folder, strategy)
    except (FileNotFoundError, ValueError, training.RunStopped) as error:
        sys.exit(str(error))
    if len(results) > 1 and all(results.values()):
        print(json.dumps(runs.write_mean(results, output_dir), indent=1))


if __name__ == "__main__":
    app.run(main, argv=with_shipped_flagfiles(sys.argv))
