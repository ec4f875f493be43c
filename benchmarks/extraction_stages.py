"""Compares the stages of an extraction with decoding alone.

    python benchmarks/extraction_stages.py

generates clips with data/digits_av/prepare.py, or takes clips of
`--videos_dir`, and measures on one core:

- the lower bound: decoding every frame and audio sample with PyAV;
- the inputs of `ac_keras.extraction`, stage by stage;
- the backbones alone on these inputs.

Stages take turns clip by clip, so that other work on the machine affects all
of them alike. Then one worker per core extracts few clips and many clips: the
difference is the time of the clips, and the rest that of starting the workers.
"""

import collections
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import av
from absl import flags

from ac_keras.annotations.class_folders import list_class_folders
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.backbones.dataset_backbones import input_side
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.engines.worker import set_threads
from ac_keras.extraction.extract import extract_files
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import RgbPlan
from measurement import program
from measurement.report import Report

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir",
    None,
    "Folder of class folders; by default, clips are generated from digits.",
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 40, "Clips that are timed stage by stage.", lower_bound=1
)
_ALL_CLIPS = flags.DEFINE_integer(
    "all_clips", 160, "Clips for all workers.", lower_bound=50
)
_BACKBONES = flags.DEFINE_list(
    "backbones", ["small"] * 3, "Backbones of RGB, flow and audio."
)
_CROP = flags.DEFINE_integer(
    "crop",
    None,
    "Side of the square crop in pixels; by default that of the RGB backbone, "
    "or of the generated clips.",
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 25, "Frames per clip.")
_FLOW_METHODS = flags.DEFINE_list(
    "flow_methods",
    ["dis"],
    "Methods of optical flow to time; workers use the first one.",
)

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIDE = 64  # pixels of the generated clips
LOWER_BOUND = "PyAV alone"
FEW = 8  # ratio of many clips to few
MODALITIES = ("rgb", "flow", "audio")


def make_choices() -> dict[str, BackboneChoice]:
    """Returns the backbones by modality."""
    sources = zip(MODALITIES, _BACKBONES.value, strict=True)
    return {name: BackboneChoice(source) for name, source in sources}


def make_plan(method: str) -> ExtractionPlan:
    """Plans an extraction with a method of optical flow."""
    crop = _CROP.value or (None if _VIDEOS_DIR.value else SIDE)
    crop = crop or input_side(make_choices()["rgb"])
    sides = (round(crop * 8 / 7), crop)
    modalities = {
        "rgb": RgbPlan(*sides),
        "flow": FlowPlan(*sides, method=method),
        "audio": AudioPlan(),
    }
    return ExtractionPlan(EqualIntervals(_NUM_FRAMES.value), modalities)


def begin(folder: pathlib.Path, videos: pathlib.Path, rows: list):
    """Begins the extraction of a dataset, with the first method of flow."""
    return extract_files(
        folder,
        videos,
        {"train": rows},
        make_plan(_FLOW_METHODS.value[0]),
        make_choices(),
        name="stages",
        class_names=None,
        dtype="float32",
        clips_per_shard=max(1, len(rows) // (4 * os.cpu_count())),
        seed=0,
        settings={},
    )


def make_clips(folder: pathlib.Path, count: int) -> pathlib.Path:
    """Generates clips of digits; returns their folder of class folders."""
    command = [sys.executable, ROOT / "data/digits_av/prepare.py"]
    command += [f"--num_train={count}", "--num_validation=0", "--num_test=1"]
    command += [f"--output_dir={folder}", f"--side={SIDE}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "train"


def decode_alone(path: pathlib.Path) -> None:
    """Decodes all frames and samples of a file in one thread."""
    with av.open(str(path)) as container:
        streams = container.streams
        taken = [*streams.video[:1], *streams.audio[:1]]
        for stream in taken:
            stream.thread_type = "NONE"
        collections.deque(container.decode(*taken), maxlen=0)


def take_some(rows: list, count: int) -> list:
    """Takes clips at equal distances."""
    step = max(1, len(rows) // count)
    return list(itertools.islice(rows, 0, None, step))[:count]


def stage_seconds(videos: pathlib.Path, rows: list) -> dict[str, float]:
    """Returns the seconds per clip of each stage."""
    seconds = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plans = {x: make_plan(x) for x in _FLOW_METHODS.value}
        begin(folder, videos, rows)
        backbones = ClipBackbones(folder, next(iter(plans.values())))
        for number, row in enumerate([rows[0], *rows]):
            if number == 1:
                seconds.clear()  # The first clip includes tracing and loading.
            path = videos / row.path
            start = time.perf_counter()
            decode_alone(path)
            seconds[LOWER_BOUND] += time.perf_counter() - start
            for method, plan in plans.items():
                inputs = read_inputs(path, plan)
                for stage, spent in inputs.seconds.items():
                    if stage == "optical flow":
                        seconds[f"{stage}, {method}"] += spent
                    else:
                        seconds[stage] += spent / len(plans)
            for name, array in inputs.arrays.items():
                start = time.perf_counter()
                backbones.features(name, array)
                seconds[f"{name} backbone"] += time.perf_counter() - start
    return {stage: spent / len(rows) for stage, spent in seconds.items()}


def whole_seconds(videos: pathlib.Path, rows: list) -> float:
    """Returns the seconds of an extraction by all workers."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = begin(pathlib.Path(folder), videos, rows).run(
            lambda job, tasks, on_event: local_engine.run_shards(
                job, tasks, os.cpu_count(), on_event
            ),
            read_ahead=2,
        )
    return outcome.seconds


def add_stages(report: Report, seconds: dict[str, float]) -> None:
    """Adds the stages on one core."""
    bound = seconds[LOWER_BOUND]
    report.add_table(
        f"Stages on one core; {_NUM_FRAMES.value} frames per clip",
        ["stage", "ms per clip", "clips/s", "times PyAV alone"],
        [
            [stage, f"{1000 * x:.1f}", f"{1 / x:.0f}", f"{x / bound:.2f}"]
            for stage, x in seconds.items()
        ],
    )


def add_whole(report: Report, videos, rows, seconds: dict[str, float]) -> None:
    """Adds the extraction by all workers and the rates that parts allow."""
    method, cores = _FLOW_METHODS.value[0], os.cpu_count()
    stages = {
        stage: x
        for stage, x in seconds.items()
        if stage != LOWER_BOUND
        and (not stage.startswith("optical flow") or method in stage)
    }
    few = take_some(rows, len(rows) // FEW)
    start = whole_seconds(videos, few)
    rate = (len(rows) - len(few)) / (whole_seconds(videos, rows) - start)
    parts = {
        LOWER_BOUND: seconds[LOWER_BOUND],
        "backbones alone": sum(x for k, x in stages.items() if "backbone" in k),
        "all stages": sum(stages.values()),
    }
    rates = {
        f"{name}, rate of a core times {cores}": cores / x
        for name, x in parts.items()
    }
    rates[f"full extraction with {method}, {cores} workers"] = rate
    report.add_table(
        f"Extraction of {len(rows)} clips; starting {cores} workers takes "
        f"another {start - len(few) / rate:.1f} s",
        ["way", "clips/s", "share reached"],
        [[name, f"{x:.1f}", f"{rate / x:.2f}"] for name, x in rates.items()],
    )


def main(report):
    set_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        videos = pathlib.Path(
            _VIDEOS_DIR.value
            or make_clips(pathlib.Path(folder) / "videos", _ALL_CLIPS.value)
        )
        rows = list_class_folders(videos)
        seconds = stage_seconds(videos, take_some(rows, _NUM_CLIPS.value))
        add_stages(report, seconds)
        add_whole(report, videos, take_some(rows, _ALL_CLIPS.value), seconds)


if __name__ == "__main__":
    program.run(main)
