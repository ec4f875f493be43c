"""Small extractions of real media files, for the engines' tests."""

import hashlib
import pathlib

import numpy as np

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.engines.job import ExtractionJob
from ac_keras.extraction.engines.run import shard_tasks
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.writer import write_mp4
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import RgbPlan
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

SIDE, NUM_FRAMES, RATE = 32, 10, 8_000
NUM_CLIPS, CLIPS_PER_SHARD = 9, 3
CLASSES = ("left", "right")
PLAN = ExtractionPlan(
    EqualIntervals(3),
    {
        "rgb": RgbPlan(SIDE, SIDE),
        "flow": FlowPlan(SIDE, SIDE, 2, "dis"),
        "audio": AudioPlan(),
    },
)
DTYPES = {"rgb": "uint8", "flow": "uint8", "audio": "float32"}


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
        write_mp4(path, frames, 25, None if number == 4 else audio, RATE)
        rows.append(ClipRow(f"{label}/{path.name}", (label,), "", number + 2))
    cut = folder / rows[1].path
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (folder / rows[7].path).write_text("This is no video.")
    return rows


def make_job(media_dir, output_dir, rows):
    """Builds writer, job, shards and their sizes."""
    description = Description(
        name="small",
        class_names=CLASSES,
        modalities={
            name: Modality(
                int(np.prod(plan.input_shape)),
                DTYPES[name],
                (0.0, 255.0) if DTYPES[name] == "uint8" else None,
            )
            for name, plan in PLAN.modalities.items()
        },
    )
    counts = {"train": NUM_CLIPS // CLIPS_PER_SHARD}
    writer = DatasetWriter(output_dir, description, counts)
    job = ExtractionJob(pathlib.Path(output_dir), media_dir, description, PLAN)
    tasks = shard_tasks(writer, {"train": rows})
    return writer, job, tasks, [len(task.rows) for task in tasks]


def digests(folder):
    """SHA-256 of all files in a folder, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(folder).iterdir())
        if path.is_file()
    }
