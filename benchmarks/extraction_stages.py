"""What each stage of an extraction takes, next to decoding alone.

    python benchmarks/extraction_stages.py

makes clips by data/digits_av/prepare.py, or takes them at equal distances from
`--videos_dir`, and prints, in clips a second of one core: decoding every
picture and every sample of sound with PyAV and keeping nothing (the floor);
what `ac_keras.extraction` makes of them, stage by stage; the backbones alone on
what they would receive; and then the whole, by as many workers as there are
cores, in clips a second of the machine. Stages take turns clip by clip, so that
other work on the machine disturbs all of them alike. The whole is done for few
clips and for many: what the second run takes longer is the time of its clips,
the rest that of starting the workers.
"""

import collections
import os
import pathlib
import tempfile
import time

from absl import app
from absl import flags

from ac_keras.annotations.class_folders import list_class_folders
from ac_keras.extraction.backbones.dataset_backbones import ClipBackbones
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.engines.worker import set_threads
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from extraction_setting import Setting
from media_clips import SIDE
from media_clips import decode_alone
from media_clips import make_clips
from media_clips import take_some
from report import Report

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir",
    None,
    "Folder of class folders; without one clips are made of embedded digits.",
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 40, "Clips, stage by stage.", lower_bound=1
)
_ALL_CLIPS = flags.DEFINE_integer(
    "all_clips", 160, "Clips, by all workers.", lower_bound=50
)
_BACKBONES = flags.DEFINE_list(
    "backbones", ["small", "small", "small"], "Of RGB, flow and sound."
)
_CROP = flags.DEFINE_integer(
    "crop",
    None,
    "Side of the square, in pixels; else what the RGB backbone takes, or what "
    "the clips made have.",
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 25, "Frames of a clip.")
_FLOW_METHODS = flags.DEFINE_list(
    "flow_methods", ["dis"], "Stage by stage; the first by workers."
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")

FLOOR = "PyAV alone"
FEW = 8  # many clips to one, in the run that tells what a start takes
ABOUT = (
    "Clips are read, and RGB, flow and sound features extracted, as "
    "data/videos/extract_features.py does it. The floor is decoding every "
    "picture and sample by PyAV and keeping nothing. Stages take turns clip by "
    "clip."
)


def make_setting() -> Setting:
    """Gives what is extracted, by the flags."""
    crop = _CROP.value or (None if _VIDEOS_DIR.value else SIDE)
    return Setting(_BACKBONES.value, crop, _NUM_FRAMES.value)


def stage_seconds(videos: pathlib.Path, rows: list) -> dict[str, float]:
    """Gives the seconds a clip of each stage, in turns clip by clip."""
    seconds = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        setting = make_setting()
        plans = {x: setting.make_plan(x) for x in _FLOW_METHODS.value}
        setting.begin(folder, videos, rows, _FLOW_METHODS.value[0])
        plan = next(iter(plans.values()))
        backbones = ClipBackbones(folder, plan)
        for number, row in enumerate([rows[0], *rows]):
            if number == 1:
                seconds.clear()  # what is traced and loaded once
            path = videos / row.path
            start = time.perf_counter()
            decode_alone(path)
            seconds[FLOOR] += time.perf_counter() - start
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
    """Gives the seconds of the whole, by all workers."""
    with tempfile.TemporaryDirectory() as folder:
        extraction = make_setting().begin(
            folder, videos, rows, _FLOW_METHODS.value[0]
        )
        outcome = extraction.run(
            lambda job, tasks, on_event: local_engine.run_shards(
                job, tasks, os.cpu_count(), on_event
            ),
            read_ahead=2,
        )
    return outcome.seconds


def add_stages(report: Report, seconds: dict[str, float]) -> None:
    """Reports the stages, on one core."""
    floor = seconds[FLOOR]
    report.add_table(
        f"Stages on one core; {_NUM_FRAMES.value} frames of a clip",
        ["stage", "ms a clip", "clips/s", "times PyAV alone"],
        [
            [stage, f"{1000 * x:.1f}", f"{1 / x:.0f}", f"{x / floor:.2f}"]
            for stage, x in seconds.items()
        ],
    )


def add_whole(report: Report, videos, rows, seconds: dict[str, float]) -> None:
    """Reports the whole by all workers, beside what its parts allow."""
    method, cores = _FLOW_METHODS.value[0], os.cpu_count()
    parts = {
        stage: spent
        for stage, spent in seconds.items()
        if stage != FLOOR
        and not (stage.startswith("optical flow") and method not in stage)
    }
    backbones = sum(x for name, x in parts.items() if "backbone" in name)
    few = take_some(rows, len(rows) // FEW)
    start = whole_seconds(videos, few)
    rate = (len(rows) - len(few)) / (whole_seconds(videos, rows) - start)
    rates = {
        f"{FLOOR}, a core's rate times {cores}": cores / seconds[FLOOR],
        f"backbones alone, a core's rate times {cores}": cores / backbones,
        f"all stages, a core's rate times {cores}": cores / sum(parts.values()),
        f"the whole with {method}, {cores} workers": rate,
    }
    report.add_table(
        f"Extraction of {len(rows)} clips; starting {cores} workers takes "
        f"{start - len(few) / rate:.1f} s besides",
        ["way", "clips/s", "the whole's share"],
        [[name, f"{x:.1f}", f"{rate / x:.2f}"] for name, x in rates.items()],
    )


def main(argv):
    del argv
    set_threads(1)
    report = Report("Extraction", ABOUT)
    with tempfile.TemporaryDirectory() as folder:
        videos = pathlib.Path(
            _VIDEOS_DIR.value
            or make_clips(pathlib.Path(folder) / "videos", _ALL_CLIPS.value)
        )
        rows = list_class_folders(videos)
        seconds = stage_seconds(videos, take_some(rows, _NUM_CLIPS.value))
        add_stages(report, seconds)
        add_whole(report, videos, take_some(rows, _ALL_CLIPS.value), seconds)
    report.write(_OUTPUT.value)


if __name__ == "__main__":
    app.run(main)
