"""Small extractions of real media files: inputs, datasets and a model."""

import hashlib
import pathlib
import shutil

import keras
import numpy as np

from ac_keras import cluster_classifier
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.backbones import dataset_backbones
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.run import run_extraction
from ac_keras.extraction.engines.run import shard_tasks
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.writer import write_mp4
from ac_keras.extraction.plan import SETTING
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import RgbPlan
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description

SIDE, NUM_FRAMES, RATE = 32, 10, 8_000
NUM_CLIPS = 9
CUT, SILENT, BROKEN = 1, 4, 7  # of these clips
CLASSES = ("left", "right")
PLAN = ExtractionPlan(
    EqualIntervals(3),
    {
        "rgb": RgbPlan(SIDE, SIDE),
        "flow": FlowPlan(SIDE, SIDE, 2, "dis"),
        "audio": AudioPlan(),
    },
)


def write_clips(folder):
    """Writes clips; one without audio, one cut short, one that is text.

    Returns:
        Their rows.
    """
    rows = []
    for number in range(NUM_CLIPS):
        rng = np.random.default_rng(number)
        still = rng.integers(0, 256, (SIDE, 3 * SIDE, 3), "uint8")
        frames = [still[:, 2 * i :][:, :SIDE] for i in range(NUM_FRAMES)]
        audio = rng.uniform(-0.5, 0.5, RATE // 2).astype("float32")
        label = CLASSES[number % 2]
        path = folder / label / f"clip{number}.mp4"
        path.parent.mkdir(exist_ok=True)
        write_mp4(path, frames, 25, None if number == SILENT else audio, RATE)
        rows.append(ClipRow(f"{label}/{path.name}", (label,), "", number + 2))
    cut = folder / rows[CUT].path
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (folder / rows[BROKEN].path).write_text("This is no video.")
    return rows


def make_job(media_dir, output_dir, rows, backbones=None, num_shards=3):
    """Builds writer, job, shards and their sizes; by default of inputs."""
    description = describe(backbones or dict.fromkeys(PLAN.modalities))
    writer = DatasetWriter(output_dir, description, {"train": num_shards})
    job = ExtractionJob(pathlib.Path(output_dir), media_dir, description, PLAN)
    tasks = shard_tasks(writer, {"train": rows})
    return writer, job, tasks, [len(task.rows) for task in tasks]


def extract(prepared, num_workers=1, run_shards=local_engine.run_shards):
    """Runs what `make_job` returns."""
    return run_extraction(
        *prepared,
        lambda job, tasks, hear: run_shards(job, tasks, num_workers, hear),
    )


def digests(folder):
    """SHA-256 of all files in a folder, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(folder).iterdir())
        if path.is_file()
    }


# One of each way in which features are stored.
CHOICES = {
    "rgb": BackboneChoice("none"),
    "flow": BackboneChoice("small"),
    "audio": BackboneChoice("small"),
}
FEATURE_DTYPES = {"rgb": "float32", "flow": "float16", "audio": "float32"}
NUM_UNITS = {"rgb": 4, "flow": 3, "audio": 2}


def write_dataset(folder):
    """Writes media files and extracts them.

    Returns:
        The folder of the media files, their rows, the dataset's folder.
    """
    folder = pathlib.Path(folder)
    media_dir, data_dir = folder / "media", folder / "records"
    media_dir.mkdir()
    rows = write_clips(media_dir)
    backbones = make_backbones(data_dir)
    prepared = make_job(media_dir, data_dir, rows, backbones, num_shards=1)
    extract(prepared)
    return media_dir, rows, data_dir


def make_backbones(data_dir):
    """Draws the backbones and saves them in a dataset's folder."""
    keras.utils.set_random_seed(0)
    backbones = {}
    for name, choice in CHOICES.items():
        plan = PLAN.modalities[name]
        backbone = dataset_backbones.make_backbone(name, plan, choice)
        backbones[name] = backbone
        if backbone:
            dataset_backbones.save_backbone(data_dir, name, backbone)
    return backbones


def describe(backbones):
    """Builds the description like data/videos/extract_features.py."""
    settings = {
        "plan": PLAN.to_json(),
        "backbones": {
            name: dataset_backbones.describe_backbone(choice, backbones[name])
            for name, choice in CHOICES.items()
        },
    }
    return Description(
        name="small",
        class_names=CLASSES,
        modalities={
            name: dataset_backbones.modality_of(
                PLAN.modalities[name], backbone, FEATURE_DTYPES[name]
            )
            for name, backbone in backbones.items()
        },
        settings={SETTING: settings},
    )


def make_model(data_dir, modalities=PLAN.modalities):
    """A classifier of random weights, by which clips differ."""
    description = Description.load(data_dir)
    model = cluster_classifier(
        {name: description.modalities[name].dim for name in modalities},
        {name: NUM_UNITS[name] for name in modalities},
        description.num_classes,
    )
    rng = np.random.default_rng(0)
    # Weights of frames that are neither even nor all on one.
    for w in model.weights:
        w.assign(0.02 * rng.normal(size=w.shape) / max(w.shape) ** 0.5)
    for w in model.get_layer("logits").weights:
        w.assign(2 * rng.normal(size=w.shape))
    return model


def copy_description(data_dir, folder):
    """Copies the manifest and the backbones, as to another machine."""
    folder.mkdir()
    shutil.copy(data_dir / "manifest.json", folder)
    shutil.copytree(data_dir / "backbones", folder / "backbones")
    return folder


def damage_audio(source, path):
    """Copies an mp4 file with some bytes near its data's end spoilt."""
    data = bytearray(source.read_bytes())
    first = data.index(b"mdat")
    size = int.from_bytes(data[first - 4 : first], "big")
    place = first + int(0.9 * size)
    data[place : place + size // 40] = bytes(size // 40)
    path.write_bytes(data)
    return path
