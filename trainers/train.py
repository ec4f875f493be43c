"""Trains attention clusters on a dataset of local features.

    python trainers/train.py --flagfile=flash_mnist.flags

A flagfile without a folder is looked up in trainers/flags too. The output
folder receives the flags, TensorBoard logs and a CSV of all epochs, the model
that was best on the validation split, its result on the test split, which is
read once, a SavedModel that was tried in a process of its own, pictures and
report.html. The same command goes on with a run that was stopped.
"""

import contextlib
import functools
import pathlib
import sys

import keras
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras import runs
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import skip_damage
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from ac_keras.runs import folder
from ac_keras.utils import atomic_file

# What is read and what is written.
_DATA_DIR = flags.DEFINE_list(
    "data_dir",
    None,
    "Folder of the dataset. Several are trained on one after the other, and "
    "the mean of their results is reported.",
    required=True,
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for everything that comes out.", required=True
)
_TRAIN_SPLIT = flags.DEFINE_string("train_split", "train", "To learn from.")
_VALIDATION_SPLIT = flags.DEFINE_string(
    "validation_split",
    "validation",
    "To choose the epoch on; empty chooses none and keeps the last one.",
)
_TEST_SPLIT = flags.DEFINE_string(
    "test_split", "test", "To test on, once, at the end."
)
_TRAIN_FRAMES = flags.DEFINE_integer(
    "train_frames",
    0,
    "Frames drawn from each clip and modality in training; 0 takes all.",
    lower_bound=0,
)
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Frames taken at equal intervals in evaluation; 0 takes all.",
    lower_bound=0,
)
_IN_MEMORY = flags.DEFINE_bool(
    "in_memory", False, "Whether to hold the training records in memory."
)
_SKIP_CORRUPT_RECORDS = flags.DEFINE_bool(
    "skip_corrupt_records",
    False,
    "Whether to read all records first and leave out those that are broken; "
    "skipped_records.txt lists them. Else they are errors.",
)

# The model.
_NUM_UNITS = flags.DEFINE_list(
    "num_units",
    "32",
    "Attention units: a number for every modality, or MODALITY:NUMBER for "
    "those to be used, such as rgb:64,flow:32,audio:32.",
)
_WEIGHTING = flags.DEFINE_enum(
    "weighting", "fc1", ["average", "fc1", "fc2"], "Eq. 3, 4 or 5."
)
_HIDDEN_UNITS = flags.DEFINE_integer(
    "hidden_units", 10, "Hidden layer of fc2.", lower_bound=1
)
_SHIFT = flags.DEFINE_bool("shift", True, "Whether to shift (Eq. 7).")
_ALPHA_INITIALIZER = flags.DEFINE_string(
    "alpha_initializer",
    "constant:1",
    "Of the shift's scales: constant:VALUE or normal:STANDARD_DEVIATION.",
)
_BETA_INITIALIZER = flags.DEFINE_string(
    "beta_initializer",
    "normal:0.5",
    "Of the shift's shifts: constant:VALUE or normal:STANDARD_DEVIATION.",
)
_MEAN_FEATURES = flags.DEFINE_bool(
    "mean_features",
    False,
    "Whether the training split's mean feature stands in for a modality that "
    "a clip lacks (section 5.2), rather than zeros.",
)
_DROPOUT = flags.DEFINE_float(
    "dropout", 0.5, "Before the classifier.", lower_bound=0, upper_bound=1
)

# The update.
_OPTIMIZER = flags.DEFINE_enum(
    "optimizer", "adam", ["adam", "rmsprop", "sgd"], "How to update."
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "The highest.", lower_bound=0
)
_CLASSIFIER_RATE = flags.DEFINE_float(
    "classifier_rate",
    1,
    "What the classifier's learning rate is multiplied by. With shifting and "
    "few units 30 and more help; see docs/results/flash_mnist.md.",
    lower_bound=0,
)
_SCHEDULE = flags.DEFINE_enum(
    "schedule",
    "constant",
    ["constant", "cosine", "step"],
    "Of the learning rate: cosine goes to 0, step drops at --drop_epochs.",
)
_WARMUP_EPOCHS = flags.DEFINE_float(
    "warmup_epochs", 0, "In which the rate rises from 0.", lower_bound=0
)
_DROP_EPOCHS = flags.DEFINE_list(
    "drop_epochs", [], "After how many epochs the rate drops."
)
_DROP_FACTOR = flags.DEFINE_float("drop_factor", 0.1, "By how much it drops.")
_CLIP_NORM = flags.DEFINE_float(
    "clip_norm",
    0,
    "Highest L2 norm of all gradients together; 0 does not clip.",
    lower_bound=0,
)
_CLASS_WEIGHTS = flags.DEFINE_bool(
    "class_weights",
    False,
    "Whether a clip of a class with S clips weighs 1/S (section 5.4); the mean "
    "weight stays 1.",
)
_AVERAGE_MOMENTUM = flags.DEFINE_float(
    "average_momentum",
    0,
    "Evaluate and keep the moving average of the weights with this momentum, "
    "such as 0.999; 0 keeps the weights themselves.",
    lower_bound=0,
    upper_bound=1,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Clips in a step, over all devices.", lower_bound=1
)
_GRADIENT_ACCUMULATION_STEPS = flags.DEFINE_integer(
    "gradient_accumulation_steps",
    1,
    "Parts in which a device works through its clips of a batch, to need less "
    "memory; the update is that of the whole batch.",
    lower_bound=1,
)

# How long, and what is kept.
_EPOCHS = flags.DEFINE_integer("epochs", 100, "At most.", lower_bound=1)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    0,
    "Stop after so many epochs without a better one; 0 never does.",
    lower_bound=0,
)
_BEST_METRIC = flags.DEFINE_string(
    "best_metric",
    None,
    "The figure in epochs.csv that chooses the epoch to keep, or last. By "
    "default val_accuracy, or val_gap where a clip has several labels.",
)
_CHECKPOINT_MINUTES = flags.DEFINE_float(
    "checkpoint_minutes",
    10,
    "Minutes between two checkpoints, at most; there is one after each epoch "
    "too, unless epochs are so short that it would cost 2 % of the time.",
    lower_bound=0,
)
_LOG_STEPS = flags.DEFINE_integer(
    "log_steps", 100, "Steps between points in TensorBoard.", lower_bound=0
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Whether to tell shapes, sizes and steps, and stop."
)

# The machine.
_STRATEGY = flags.DEFINE_enum(
    "strategy",
    "mirrored",
    ["mirrored", "one_device", "multi_host"],
    "Over all GPUs of this machine, one device, or several hosts.",
)
_CLUSTER = flags.DEFINE_enum(
    "cluster",
    "tf_config",
    ["tf_config", "slurm"],
    "Where a host of several finds the others.",
)
_LOGICAL_DEVICES = flags.DEFINE_integer(
    "logical_devices",
    1,
    "Without a GPU: CPU devices to split every batch over.",
    lower_bound=1,
)
_DTYPE_POLICY = flags.DEFINE_enum(
    "dtype_policy",
    "float32",
    ["float32", "mixed_bfloat16", "mixed_float16"],
    "What the layers compute in.",
)
_STEPS_PER_EXECUTION = flags.DEFINE_integer(
    "steps_per_execution",
    1,
    "Steps between two looks at the loss; more help a fast device.",
    lower_bound=1,
)
_JIT_COMPILE = flags.DEFINE_bool(
    "jit_compile",
    False,
    "Whether XLA compiles loss and gradients. On the CPU it is slower; it "
    "does not work with several logical devices.",
)
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic",
    True,
    "Whether the same seed gives the same bits. A GPU is faster without.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Decides everything.", lower_bound=0)

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
FLAGFILES = REPOSITORY / "trainers" / "flags"
# May differ when a run goes on.
FREE_FLAGS = (
    "checkpoint_minutes",
    "data_dir",
    "dry_run",
    "log_steps",
    "output_dir",
    "skip_corrupt_records",
)


def with_shipped_flagfiles(argv: list[str]) -> list[str]:
    """Points a `--flagfile` without a folder to the shipped one.

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


def make_cluster(name: str, num_units: int) -> AttentionCluster:
    """Makes the cluster of one modality."""
    arguments = (num_units, _WEIGHTING.value, _HIDDEN_UNITS.value)
    if not _SHIFT.value:
        return AttentionCluster(*arguments, name=name)
    return ShiftingCluster(
        *arguments,
        alpha_initializer=training.parse_initializer(_ALPHA_INITIALIZER.value),
        beta_initializer=training.parse_initializer(_BETA_INITIALIZER.value),
        name=name,
    )


def build_model(manifest: Manifest, num_units: dict[str, int]) -> keras.Model:
    """Builds the model that the flags describe."""
    description = manifest.description
    means = {}
    if _MEAN_FEATURES.value:
        split = manifest.split(_TRAIN_SPLIT.value)
        means = {
            name: split.mean_features[name]
            for name in num_units
            # An old manifest does not tell.
            if any(x.num_absent.get(name, 1) for x in manifest.splits.values())
        }
    return cluster_classifier(
        dims={name: description.modalities[name].dim for name in num_units},
        clusters={
            name: make_cluster(name, units) for name, units in num_units.items()
        },
        num_classes=description.num_classes,
        dropout=_DROPOUT.value,
        mean_features=means,
        multi_label=description.multi_label,
    )


def make_optimizer(steps: int) -> keras.optimizers.Optimizer:
    """Makes the optimizer for epochs of so many steps."""
    rate = training.make_schedule(
        _SCHEDULE.value,
        _LEARNING_RATE.value,
        total_steps=steps * _EPOCHS.value,
        warmup_steps=round(steps * _WARMUP_EPOCHS.value),
        drop_steps=tuple(round(steps * float(x)) for x in _DROP_EPOCHS.value),
        drop_factor=_DROP_FACTOR.value,
    )
    kinds = {
        "adam": keras.optimizers.Adam,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    return kinds[_OPTIMIZER.value](rate)


def load_manifest(data_dir: str) -> Manifest:
    """Reads a dataset's manifest; a missing one names how to get it.

    Raises:
        FileNotFoundError: If there is none, or a file of it is missing.
        ValueError: If a file does not fit it.
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


def make_data(manifest: Manifest, modalities: list[str]):
    """Gives functions that make the batches of training and evaluation."""

    def train(epoch, step, share, **options):
        return training_batches(
            manifest,
            _TRAIN_SPLIT.value,
            batch_size=_BATCH_SIZE.value,
            sample_size=_TRAIN_FRAMES.value,
            modalities=modalities,
            seed=_SEED.value,
            first_epoch=epoch,
            first_step=step,
            share=share,
            in_memory=_IN_MEMORY.value,
            **options,
        )

    def evaluate(split, batch_size, share=(0, 1), **options):
        return evaluation_batches(
            manifest,
            split,
            batch_size=batch_size,
            sample_size=_EVAL_FRAMES.value,
            modalities=modalities,
            share=share,
            **options,
        )

    return train, evaluate


def best_rule(description) -> training.BestEpoch:
    """Tells which epoch to keep."""
    default = "val_gap" if description.multi_label else "val_accuracy"
    if not _VALIDATION_SPLIT.value:
        default = "last"
    return training.BestEpoch(_BEST_METRIC.value or default, _PATIENCE.value)


def make_trainer(
    model: keras.Model, manifest: Manifest, output_dir: pathlib.Path
) -> training.Trainer:
    """Makes the loop around a model, under the strategy's scope."""
    description = manifest.description
    steps = steps_per_epoch(manifest, _TRAIN_SPLIT.value, _BATCH_SIZE.value)
    averages = (
        keras.models.clone_model(model) if _AVERAGE_MOMENTUM.value else None
    )
    if averages is not None:
        averages.set_weights(model.get_weights())
    weights = None
    if _CLASS_WEIGHTS.value:
        counts = manifest.split(_TRAIN_SPLIT.value).class_counts
        weights = training.balanced_class_weights(counts)
    update_step = training.UpdateStep(
        model,
        make_optimizer(steps),
        multi_label=description.multi_label,
        class_weights=weights,
        classifier_rate=_CLASSIFIER_RATE.value,
        clip_norm=_CLIP_NORM.value,
        num_parts=_GRADIENT_ACCUMULATION_STEPS.value,
        averages=averages,
        average_momentum=_AVERAGE_MOMENTUM.value,
        scale_loss=_DTYPE_POLICY.value == "mixed_float16",
        seed=_SEED.value,
        jit_compile=_JIT_COMPILE.value,
    )
    kept = averages or model
    return training.Trainer(
        model,
        update_step,
        training.Evaluator(
            kept,
            training.evaluation_metrics(description),
            description.multi_label,
        ),
        kept_model=kept,
        metrics=training.training_metrics(description),
        batch_size=_BATCH_SIZE.value,
        steps_per_epoch=steps,
        epochs=_EPOCHS.value,
        steps_per_execution=_STEPS_PER_EXECUTION.value,
        directory=output_dir,
        best=best_rule(description),
        checkpoint_seconds=60 * _CHECKPOINT_MINUTES.value,
    )


def check_flags(manifest: Manifest, strategy: tf.distribute.Strategy) -> None:
    """Raises ValueError where flags, dataset and devices do not fit."""
    for split in (_TRAIN_SPLIT, _VALIDATION_SPLIT, _TEST_SPLIT):
        if split.value:
            manifest.split(split.value)
    devices = strategy.num_replicas_in_sync * _GRADIENT_ACCUMULATION_STEPS.value
    if _BATCH_SIZE.value % devices:
        raise ValueError(
            "Expected --batch_size as a multiple of devices times "
            f"--gradient_accumulation_steps, {devices}. Received: "
            f"{_BATCH_SIZE.value}. Choose another batch size."
        )
    if _CLASS_WEIGHTS.value and manifest.description.multi_label:
        raise ValueError(
            "Expected --class_weights with one label a clip. Received: "
            f"{manifest.directory}, which is multi-label. Leave the flag out."
        )
    # Before the folder is claimed for flags that cannot work.
    make_optimizer(
        steps_per_epoch(manifest, _TRAIN_SPLIT.value, _BATCH_SIZE.value)
    )
    for initializer in (_ALPHA_INITIALIZER, _BETA_INITIALIZER):
        training.parse_initializer(initializer.value)
    chosen = best_rule(manifest.description)
    known = training.figure_names(
        manifest.description, validated=bool(_VALIDATION_SPLIT.value)
    )
    if chosen.metric not in (training.LAST, *known):
        raise ValueError(
            f"Expected --best_metric among last, {', '.join(known)}, with "
            f"--validation_split={_VALIDATION_SPLIT.value!r}. Received: "
            f"{chosen.metric}. Name one of them or leave the flag out."
        )


def dry_run(model: keras.Model, manifest: Manifest, train_data) -> None:
    """Prints shapes, sizes and steps."""
    steps = steps_per_epoch(manifest, _TRAIN_SPLIT.value, _BATCH_SIZE.value)
    print(
        runs.describe_run(
            model,
            make_optimizer(steps),
            train_data(0, 0, (0, 1)),
            num_clips=manifest.split(_TRAIN_SPLIT.value).num_clips,
            steps_per_epoch=steps,
            epochs=_EPOCHS.value,
            num_averages=int(_AVERAGE_MOMENTUM.value > 0),
        )
    )


def fit(trainer: training.Trainer, manifest, train_data, evaluate) -> list:
    """Trains, with progress and logs on the chief."""
    split, log = _VALIDATION_SPLIT.value, None
    if trainer.is_chief:
        trainer.model.summary()
        log = runs.RunLog(
            trainer.directory,
            trainer.batch_size,
            trainer.epochs,
            _LOG_STEPS.value,
        )
        if split:
            log.watch(trainer.kept_model, next(iter(evaluate(split, 16)))[0])
    validation_data = functools.partial(evaluate, split) if split else None
    with training.StopSignal() as signals:
        return trainer.fit(train_data, validation_data, log, signals)


@contextlib.contextmanager
def plain_errors(manifest: Manifest, train_data, splits, num_hosts: int = 1):
    """Turns what goes wrong into what to do.

    Raises:
        SystemExit: If the cause is known.
    """
    try:
        yield
    except (ArithmeticError, tf.errors.OpError, UnicodeDecodeError) as error:
        message = runs.explain(
            error,
            manifest,
            [split.value for split in splits if split.value],
            functools.partial(train_data, share=(0, 1), with_ids=True),
            num_hosts,
        )
        if message is None:
            raise
        sys.exit(message)


def train_on(
    data_dir: str, output_dir: pathlib.Path, strategy: tf.distribute.Strategy
) -> dict | None:
    """Trains on one dataset, from the start or from where it was stopped.

    Returns:
        The result; None from a dry run, or on a host that is not the chief.

    Raises:
        ValueError: If flags, dataset, devices and folder do not fit.
        FileNotFoundError: If the dataset is missing.
    """
    manifest = load_manifest(data_dir)
    check_flags(manifest, strategy)
    num_units = training.parse_num_units(
        _NUM_UNITS.value, list(manifest.description.modalities)
    )
    is_chief = training.is_chief(strategy)
    if is_chief and not _DRY_RUN.value:
        folder.claim(output_dir, flag_values(), manifest, FREE_FLAGS)
    result = output_dir / folder.RESULT
    if result.is_file() and not _DRY_RUN.value:
        print(f"{output_dir} is complete: see {result}.")
        return folder.read_json(result)
    if _SKIP_CORRUPT_RECORDS.value:
        manifest = without_damage(manifest, output_dir, is_chief)
    keras.utils.set_random_seed(_SEED.value)
    keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    train_data, evaluate = make_data(manifest, list(num_units))
    with strategy.scope():
        model = build_model(manifest, num_units)
        if _DRY_RUN.value:
            with plain_errors(manifest, train_data, [_TRAIN_SPLIT]):
                return dry_run(model, manifest, train_data)
        trainer = make_trainer(model, manifest, output_dir)
    with plain_errors(
        manifest,
        train_data,
        [_TRAIN_SPLIT, _VALIDATION_SPLIT],
        trainer.num_hosts,
    ):
        history = fit(trainer, manifest, train_data, evaluate)
    result = None
    if is_chief:
        with plain_errors(manifest, train_data, [_TEST_SPLIT]):
            result = runs.finish_run(
                kept_model(manifest, num_units, output_dir),
                manifest,
                functools.partial(evaluate, _TEST_SPLIT.value),
                output_dir,
                batch_size=_BATCH_SIZE.value,
                sample_size=_EVAL_FRAMES.value,
                history=history,
                best=trainer.best.index(history),
                settings=flag_values(),
            )
        trainer.state.remove()
    trainer.wait_for_hosts()
    return result


def train_together(data_dir, output_dir, strategy) -> dict | None:
    """Does `train_on`, and says so when another host is lost meanwhile.

    Raises:
        SystemExit: If one is, be it before the first step or after the last.
    """
    try:
        return train_on(data_dir, output_dir, strategy)
    except tf.errors.OpError as error:
        message = runs.explain_loss(error, training.num_hosts(strategy))
        if message is None:
            raise
        sys.exit(message)


def without_damage(
    manifest: Manifest, output_dir: pathlib.Path, is_chief: bool
) -> Manifest:
    """Leaves broken records out; the chief lists them in a file."""
    splits = [
        x.value
        for x in (_TRAIN_SPLIT, _VALIDATION_SPLIT, _TEST_SPLIT)
        if x.value
    ]
    manifest, damage = skip_damage(manifest, splits)
    empty = [x for x in splits if not manifest.split(x).num_clips]
    if empty:
        raise ValueError(
            f"Expected a sound clip or more in split {empty[0]!r}. Received: "
            f"{len(damage)} broken records and no other in "
            f"{manifest.directory}. Make or copy the files anew."
        )
    if is_chief:
        text = "".join(f"{x}\n" for x in damage)
        print(f"{len(damage)} broken records are left out:\n{text}")
        if not _DRY_RUN.value:
            path = output_dir / "skipped_records.txt"
            atomic_file.write_text(path, text)
    return manifest


def kept_model(
    manifest: Manifest, num_units: dict[str, int], output_dir: pathlib.Path
) -> keras.Model:
    """Gives the model of the best epoch, in float32 and on one device."""
    keras.config.set_dtype_policy("float32")
    model = build_model(manifest, num_units)
    model.load_weights(output_dir / training.BEST_WEIGHTS)
    return model


def flag_values() -> dict:
    """Gives all flags of this program."""
    found = flags.FLAGS.flags_by_module_dict()[sys.argv[0]]
    return {flag.name: flag.value for flag in found}


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
            inner = (
                output_dir / name if len(_DATA_DIR.value) > 1 else output_dir
            )
            results[name] = train_together(data_dir, inner, strategy)
    except (FileNotFoundError, ValueError, training.RunStopped) as error:
        sys.exit(str(error))
    if len(results) > 1 and all(results.values()):
        runs.write_mean(results, output_dir)


if __name__ == "__main__":
    app.run(main, argv=with_shipped_flagfiles(sys.argv))
