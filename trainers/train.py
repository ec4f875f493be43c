"""Trains attention clusters on a dataset of local features.

    python trainers/train.py --flagfile=flash_mnist.flags

A flagfile without a folder is looked up in trainers/flags too. The output
folder receives the flags, TensorBoard logs and a CSV of all epochs, the model
that was best on the validation split, its result on the test split, which is
read once, a SavedModel that was tried in a process of its own, and pictures.
"""

import json
import pathlib
import sys
import time

import keras
import tensorflow as tf
from absl import app
from absl import flags

from ac_keras import AttentionCluster
from ac_keras import ShiftingCluster
from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras import visualization
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import atomic_file
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder for everything that comes out.", required=True
)
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
_DROPOUT = flags.DEFINE_float(
    "dropout", 0.5, "Before the classifier.", lower_bound=0, upper_bound=1
)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 1e-3, "Of Adam.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Clips in a step, over all devices.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer("epochs", 100, "At most.", lower_bound=1)
_PATIENCE = flags.DEFINE_integer(
    "patience",
    0,
    "Stop after so many epochs without a better validation accuracy; 0 never "
    "does.",
    lower_bound=0,
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
_SEED = flags.DEFINE_integer("seed", 0, "Decides everything.", lower_bound=0)
_LOGICAL_DEVICES = flags.DEFINE_integer(
    "logical_devices",
    1,
    "Without a GPU: CPU devices to split every batch over.",
    lower_bound=1,
)
_JIT_COMPILE = flags.DEFINE_bool(
    "jit_compile",
    False,
    "Whether XLA compiles the step. On the CPU it is slower; it does not work "
    "with several logical devices.",
)

FLAGFILES = pathlib.Path(__file__).resolve().parent / "flags"


def with_shipped_flagfiles(argv: list[str]) -> list[str]:
    """Points a `--flagfile` without a folder to the shipped one.

    Raises:
        app.UsageError: If there is no such file.
    """
    found = []
    for argument in argv:
        option, _, name = argument.partition("=")
        if option.lstrip("-") == "flagfile" and not pathlib.Path(name).exists():
            shipped = FLAGFILES / name
            if not shipped.is_file():
                names = sorted(path.name for path in FLAGFILES.iterdir())
                raise SystemExit(
                    "Expected --flagfile to name a file or one of "
                    f"{', '.join(names)}. Received: {name!r}."
                )
            argument = f"{option}={shipped}"
        found.append(argument)
    return found


def make_strategy() -> tf.distribute.Strategy:
    """Mirrors the model over GPUs, or over logical CPU devices."""
    if tf.config.list_physical_devices("GPU"):
        return tf.distribute.MirroredStrategy()
    count = _LOGICAL_DEVICES.value
    if count == 1:
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * count
    )
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])


def parse_num_units(values: list[str], modalities: list[str]) -> dict[str, int]:
    """Reads --num_units: one number for all, or one for each named.

    Raises:
        app.UsageError: If it is neither.
    """
    pairs = [value.partition(":")[::2] for value in values]
    if len(values) == 1 and values[0].isdecimal():
        pairs = [(modality, values[0]) for modality in modalities]
    num_units = {
        name: int(number)
        for name, number in pairs
        if name in modalities and number.isdecimal() and int(number)
    }
    if len(num_units) != len(pairs):
        raise app.UsageError(
            "Expected --num_units as a number or as MODALITY:NUMBER pairs "
            f"with modalities among {modalities}. Received: "
            f"{','.join(values)}."
        )
    return num_units


def parse_initializer(flag: flags.FlagHolder) -> keras.Initializer:
    """Reads constant:VALUE or normal:STANDARD_DEVIATION.

    Raises:
        app.UsageError: If it is neither.
    """
    kind, _, number = flag.value.partition(":")
    try:
        if kind == "constant":
            return keras.initializers.Constant(float(number))
        if kind == "normal":
            return keras.initializers.RandomNormal(stddev=float(number))
    except ValueError:
        pass
    raise app.UsageError(
        f"Expected --{flag.name} as constant:VALUE or "
        f"normal:STANDARD_DEVIATION. Received: {flag.value}."
    )


def make_cluster(name: str, num_units: int) -> AttentionCluster:
    """Makes the cluster of one modality."""
    arguments = (num_units, _WEIGHTING.value, _HIDDEN_UNITS.value)
    if not _SHIFT.value:
        return AttentionCluster(*arguments, name=name)
    return ShiftingCluster(
        *arguments,
        alpha_initializer=parse_initializer(_ALPHA_INITIALIZER),
        beta_initializer=parse_initializer(_BETA_INITIALIZER),
        name=name,
    )


def build_model(manifest: Manifest, num_units: dict[str, int]) -> keras.Model:
    """Builds and compiles the model that the flags describe."""
    model = cluster_classifier(
        dims={
            name: manifest.description.modalities[name].dim
            for name in num_units
        },
        clusters={
            name: make_cluster(name, units) for name, units in num_units.items()
        },
        num_classes=manifest.description.num_classes,
        dropout=_DROPOUT.value,
    )
    model.compile(
        keras.optimizers.Adam(_LEARNING_RATE.value),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=[
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            keras.metrics.SparseTopKCategoricalAccuracy(
                5, name="top_5_accuracy"
            ),
        ],
        jit_compile=_JIT_COMPILE.value,
    )
    return model


def evaluation_batch_size(
    manifest: Manifest, split: str, strategy: tf.distribute.Strategy
) -> int:
    """Gives a batch size whose first batch all devices share evenly.

    Keras builds the model from that batch and fails where it is uneven. Later
    batches may be.

    Raises:
        app.UsageError: If the devices cannot share a batch.
    """
    devices = strategy.num_replicas_in_sync
    num_clips = manifest.split(split).num_clips
    if _BATCH_SIZE.value % devices or num_clips < devices:
        raise app.UsageError(
            f"Expected --batch_size as a multiple of the {devices} devices "
            f"and at least {devices} {split} clips. Received: batch_size="
            f"{_BATCH_SIZE.value} and {num_clips} clips."
        )
    return min(_BATCH_SIZE.value, num_clips - num_clips % devices)


def make_callbacks(output_dir: pathlib.Path) -> list[keras.callbacks.Callback]:
    """Makes the logs and the choice of the best epoch."""
    callbacks = [
        keras.callbacks.TensorBoard(output_dir / "tensorboard"),
        keras.callbacks.CSVLogger(output_dir / "epochs.csv"),
        keras.callbacks.ModelCheckpoint(
            output_dir / "best.weights.h5",
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
            save_weights_only=True,
        ),
    ]
    if _PATIENCE.value:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_accuracy", mode="max", patience=_PATIENCE.value
            )
        )
    return callbacks


def save_model(model: keras.Model, path: pathlib.Path) -> None:
    """Writes a `.keras` file, whole or not at all."""
    with atomic_file.atomic_path(path) as partial:
        named = partial.with_name(partial.name + path.suffix)
        model.save(named)  # Keras wants the name to end so.
        named.rename(partial)


def write_json(path: pathlib.Path, values: dict) -> None:
    """Writes a JSON file, whole or not at all."""
    atomic_file.write_text(path, json.dumps(values, indent=1) + "\n")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    keras.utils.set_random_seed(_SEED.value)
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    manifest = Manifest.load(_DATA_DIR.value)
    description = manifest.description
    if description.multi_label:
        raise app.UsageError(
            "Expected a dataset with one label a clip. Received: "
            f"{_DATA_DIR.value}, which is multi-label."
        )
    num_units = parse_num_units(_NUM_UNITS.value, list(description.modalities))
    strategy = make_strategy()  # before TensorFlow looks at its devices
    modalities = list(num_units)
    train_batches = training_batches(
        manifest,
        batch_size=_BATCH_SIZE.value,
        sample_size=_TRAIN_FRAMES.value,
        modalities=modalities,
        seed=_SEED.value,
        in_memory=_IN_MEMORY.value,
    )
    validation_batches, test_batches = (
        evaluation_batches(
            manifest,
            split,
            batch_size=evaluation_batch_size(manifest, split, strategy),
            sample_size=_EVAL_FRAMES.value,
            modalities=modalities,
        )
        for split in ("validation", "test")
    )
    with strategy.scope():
        model = build_model(manifest, num_units)

    output_dir.mkdir(parents=True, exist_ok=True)
    flag_values = flags.FLAGS.flags_by_module_dict()[sys.argv[0]]
    write_json(
        output_dir / "flags.json", {x.name: x.value for x in flag_values}
    )
    model.summary()
    start = time.monotonic()
    history = model.fit(
        train_batches,
        steps_per_epoch=steps_per_epoch(manifest, "train", _BATCH_SIZE.value),
        epochs=_EPOCHS.value,
        validation_data=validation_batches,
        callbacks=make_callbacks(output_dir),
        shuffle=False,  # It is, by the reader.
        verbose=1 if sys.stdout.isatty() else 2,
    )
    seconds = time.monotonic() - start

    model.load_weights(output_dir / "best.weights.h5")
    save_model(model, output_dir / "model.keras")
    # What is tested is what was saved, and on one device.
    model = keras.models.load_model(output_dir / "model.keras")
    test = model.evaluate(test_batches, return_dict=True, verbose=0)
    version = serving.export_saved_model(
        model, output_dir / "saved_model", description.class_names
    )
    check = serving.check_saved_model(model, version, test_batches)
    accuracies = history.history["val_accuracy"]
    result = {
        **{f"test_{name}": value for name, value in test.items()},
        "test_accuracy_of_saved_model": check.accuracy,
        "validation_accuracy": max(accuracies),
        "best_epoch": 1 + accuracies.index(max(accuracies)),
        "epochs": len(accuracies),
        "training_seconds": round(seconds, 1),
        "parameters": model.count_params(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    write_json(output_dir / "result.json", result)
    visualization.save_accuracy_curves(
        {output_dir.name: output_dir / "epochs.csv"},
        output_dir / "accuracy.png",
    )
    visualization.save_preview_attention(
        model, manifest, output_dir / "attention.png"
    )
    print(json.dumps(result, indent=1))
    print(f"Everything is in {output_dir}")


if __name__ == "__main__":
    app.run(main, argv=with_shipped_flagfiles(sys.argv))
