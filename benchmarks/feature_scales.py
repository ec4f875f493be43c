"""Accuracy of train.py on features of several kinds, scales and offsets.

    python benchmarks/feature_scales.py --output_dir=runs/feature_scales

Makes clips of 30 frames of which three show the class, as five kinds of
features, and trains on them with the default flags and with others. The same
features are given at other scales and with an offset, which should not matter.
With --data_dir, the training is on datasets of real features instead.

Every run has its own folder, and the same command goes on where it stopped.
Prints tables in Markdown: mean and standard deviation over the seeds of the
test accuracy, in percent.
"""

import json
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np
from absl import app
from absl import flags

from ac_keras.pipeline import Clip
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the datasets and runs.", required=True
)
_DATA_DIR = flags.DEFINE_list(
    "data_dir", [], "Folders of datasets of real features."
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "Seeds.")
_TABLES = flags.DEFINE_list(
    "tables", ["scales", "kinds"], "Tables to make: scales, kinds."
)
_TRAIN_FLAGS = flags.DEFINE_list(
    "train_flags", [], "Further flags of every run, such as --num_units=16."
)

TRAIN = pathlib.Path(__file__).parents[1] / "trainers" / "train.py"
SPLITS = {"train": 2000, "validation": 500, "test": 1000}
NUM_CLASSES, NUM_FRAMES, NUM_TELLING, DIM = 20, 30, 3, 512
SIGNAL = 0.5  # of the class's direction, relative to a frame's own deviation
CONE = 1.5  # norm of the mean of all frames, relative to the same
WORDS = 8  # that a class has in one-hot features
# Scale, and offset in deviations, by the name of a row.
TRANSFORMS = {
    "as they are": (1.0, 0.0),
    "x 0.001": (1e-3, 0.0),
    "x 0.01": (1e-2, 0.0),
    "x 100": (1e2, 0.0),
    "x 1000": (1e3, 0.0),
    "+ 10 deviations": (1.0, 10.0),
}
SETTINGS = {
    "default": (),
    "feature": ("--standardize=feature",),
    "none": ("--standardize=none",),
    "no shift": ("--noshift",),
    "RMSProp": ("--optimizer=rmsprop",),
}


def draw_gaussian(rng, labels, telling, basis, prototypes):
    """Draws frames of which the telling ones are moved to their class."""
    frames = rng.normal(size=(len(labels), NUM_FRAMES, DIM)) @ basis.T
    rows = np.arange(len(labels))[:, None]
    frames[rows, telling] += SIGNAL * prototypes[labels][:, None]
    return frames


def as_embeddings(frames, mean):
    """A cone of unit vectors, as CLIP, SigLIP and DINO have."""
    frames = frames + CONE * mean
    return frames / np.linalg.norm(frames, axis=-1, keepdims=True)


def as_relu(frames, mean):
    """ReLU features, a quarter of which is always 0."""
    dead = np.where(np.arange(DIM) % 4 == 0, -np.inf, -0.5)
    return np.maximum(frames * DIM**0.5 + dead, 0)


def as_uint8(frames, mean):
    """256 levels from -2 to 2, as YouTube-8M has."""
    levels = np.round((frames * DIM**0.5 / 2 + 2) * 255 / 4)
    return np.clip(levels, 0, 255) * 4 / 255 - 2


def as_log_mel(frames, mean):
    """Logarithms of energies with a mean for each band."""
    return 2 * DIM**0.5 * frames - 6 + 2 * np.sin(np.arange(DIM) / 40)


KINDS = {
    "embeddings": as_embeddings,
    "relu": as_relu,
    "uint8": as_uint8,
    "log_mel": as_log_mel,
}


def draw_one_hot(rng, labels, telling, words):
    """Draws words by their frequency, the telling ones of the class."""
    frequency = 1 / np.arange(1, DIM + 1)
    found = rng.choice(
        DIM, (len(labels), NUM_FRAMES), p=frequency / frequency.sum()
    )
    rows = np.arange(len(labels))[:, None]
    found[rows, telling] = words[labels][
        rows, rng.integers(WORDS, size=telling.shape)
    ]
    return np.eye(DIM, dtype=np.float32)[found]


def make_splits(kind: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draws features and labels of every split."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(DIM, DIM)))
    spectrum = np.arange(1, DIM + 1) ** -0.5
    basis = rotation * spectrum / np.linalg.norm(spectrum)
    prototypes = rng.normal(size=(NUM_CLASSES, DIM)) @ basis.T
    mean = rng.normal(size=DIM)
    mean /= np.linalg.norm(mean)
    words = rng.integers(DIM, size=(NUM_CLASSES, WORDS))
    splits = {}
    for split, count in SPLITS.items():
        labels = rng.integers(NUM_CLASSES, size=count)
        order = np.argsort(rng.random((count, NUM_FRAMES)), axis=1)
        telling = order[:, :NUM_TELLING]
        if kind == "one_hot":
            frames = draw_one_hot(rng, labels, telling, words)
        else:
            frames = draw_gaussian(rng, labels, telling, basis, prototypes)
            frames = KINDS[kind](frames, mean)
        splits[split] = frames.astype(np.float32), labels
    return splits


def write_kind(directory: pathlib.Path, kind: str) -> Manifest:
    """Writes one kind of features, unless the folder has them."""
    names = tuple(f"class {index}" for index in range(NUM_CLASSES))
    description = Description(kind, names, {"rgb": Modality(DIM)})
    writer = DatasetWriter(directory, description, dict.fromkeys(SPLITS, 1))
    if writer.is_complete:
        return writer.finish()
    splits = make_splits(kind)

    def clips(split, index):
        for number, (frames, label) in enumerate(
            zip(*splits[split], strict=True)
        ):
            yield Clip(f"{split} {number}", (int(label),), {"rgb": frames})

    return writer.write(clips)


def write_transformed(
    directory: pathlib.Path, source: Manifest, scale: float, offset: float
) -> Manifest:
    """Writes a dataset's features times `scale`, moved by an offset.

    The offset is in deviations of all features of a modality together.
    """
    held, described = source.split("train"), source.description
    modalities = {
        name: Modality(x.dim) for name, x in described.modalities.items()
    }
    description = Description(
        described.name,
        described.class_names,
        modalities,
        multi_label=described.multi_label,
    )
    counts = dict.fromkeys(source.splits, 1)
    writer = DatasetWriter(directory, description, counts)
    added = {
        name: offset * np.sqrt(np.mean(np.square(deviation)))
        for name, deviation in held.feature_deviations.items()
    }

    def move(name, frames):
        moved = (frames.astype(np.float64) + added[name]) * scale
        return moved.astype(np.float32)

    return writer.write(lambda split, index: read_clips(source, split, move))


def read_clips(source: Manifest, split: str, move: Callable) -> Iterator[Clip]:
    """Reads the clips of a split, their frames changed by a function."""
    batches = evaluation_batches(source, split, batch_size=64, with_ids=True)
    for features, labels, ids in batches.as_numpy_iterator():
        for row, name in enumerate(ids):
            found = labels[row]
            chosen = np.flatnonzero(found) if found.ndim else [found]
            yield Clip(
                name.decode(),
                tuple(int(x) for x in chosen),
                {
                    modality: move(
                        modality,
                        features[modality][row][
                            : features[f"{modality}_num_frames"][row]
                        ],
                    )
                    for modality in source.description.modalities
                },
            )


def train(data_dir, output_dir, seed, more) -> float:
    """Trains once, or reads the result, and returns the test accuracy."""
    path = output_dir / "result.json"
    if not path.is_file():
        output_dir.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            str(TRAIN),
            f"--data_dir={data_dir}",
            f"--output_dir={output_dir}",
            f"--seed={seed}",
            *more,
            *_TRAIN_FLAGS.value,
        ]
        with open(output_dir.with_suffix(".log"), "w") as log:
            subprocess.run(command, stdout=log, stderr=log, check=True)
    result = json.loads(path.read_text())
    return result.get("test_accuracy", result.get("test_map"))


def mean_accuracy(data_dir: pathlib.Path, setting: str) -> str:
    """Trains with every seed and formats mean and standard deviation."""
    folder = pathlib.Path(_OUTPUT_DIR.value) / "runs"
    values = []
    for seed in _SEEDS.value:
        name = f"{data_dir.name}-{setting.replace(' ', '_')}-{seed}"
        print(name, file=sys.stderr, flush=True)
        found = train(data_dir, folder / name, seed, SETTINGS[setting])
        values.append(100 * found)
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.1f} ± {spread:.1f}"


def print_table(corner: str, rows: dict[str, pathlib.Path], columns) -> None:
    """Trains every cell and prints a row when it is complete."""
    print(f"| {corner} | {' | '.join(columns)} |")
    print(f"|---|{'---:|' * len(columns)}", flush=True)
    for name, data_dir in rows.items():
        cells = [mean_accuracy(data_dir, setting) for setting in columns]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print()


def transformed(
    source: Manifest, folder: pathlib.Path, name: str
) -> dict[str, pathlib.Path]:
    """Writes all transforms of a dataset, and returns their folders."""
    found = {}
    for row, (scale, offset) in TRANSFORMS.items():
        directory = folder / f"{name}-{scale:g}-{offset:g}"
        if not (directory / "manifest.json").is_file():
            write_transformed(directory, source, scale, offset)
        found[row] = directory
    return found


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    folder = pathlib.Path(_OUTPUT_DIR.value) / "data"
    if _DATA_DIR.value:
        for path in map(pathlib.Path, _DATA_DIR.value):
            rows = transformed(Manifest.load(path), folder, path.name)
            print_table(path.name, rows, ["default"])
        return
    if "scales" in _TABLES.value:
        source = write_kind(folder / "embeddings", "embeddings")
        rows = transformed(source, folder, "embeddings")
        print_table("unit embeddings", rows, ["default", "no shift", "RMSProp"])
    if "kinds" in _TABLES.value:
        rows = {kind: folder / kind for kind in (*KINDS, "one_hot")}
        for kind, directory in rows.items():
            write_kind(directory, kind)
        print_table("kind", rows, ["default", "feature", "none"])


if __name__ == "__main__":
    app.run(main)
