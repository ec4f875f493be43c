"""What each stage of an extraction takes, next to decoding alone.

    python benchmarks/extraction_stages.py --videos_dir=videos/digits_av

takes clips at equal distances from a folder of media files and prints, in clips
a second of one core: decoding every picture and every sample of sound with
PyAV and keeping nothing (the floor); what `ac_keras.extraction` makes of them,
stage by stage; the backbones alone on what they would receive; and then the
whole, by as many workers as there are cores, in clips a second of the machine.
Stages take turns clip by clip, so that other work on the machine disturbs all
of them alike.
"""

import collections
import itertools
import json
import os
import pathlib
import tempfile
import time

import av
from absl import app
from absl import flags

from ac_keras.extraction import local_engine
from ac_keras.extraction.class_folders import list_class_folders
from ac_keras.extraction.clip_backbones import ClipBackbones
from ac_keras.extraction.clip_inputs import read_inputs
from ac_keras.extraction.dataset_backbones import BackboneChoice
from ac_keras.extraction.dataset_backbones import input_side
from ac_keras.extraction.dataset_extraction import extract_files
from ac_keras.extraction.extraction_plan import AudioPlan
from ac_keras.extraction.extraction_plan import ExtractionPlan
from ac_keras.extraction.extraction_plan import FlowPlan
from ac_keras.extraction.extraction_plan import RgbPlan
from ac_keras.extraction.frame_choice import EqualIntervals
from ac_keras.extraction.shard_extractor import set_threads

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir", None, "Folder of class folders.", required=True
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 60, "Clips, stage by stage.", lower_bound=1
)
_ALL_CLIPS = flags.DEFINE_integer(
    "all_clips", 600, "Clips, by all workers.", lower_bound=1
)
_BACKBONES = flags.DEFINE_list(
    "backbones", ["small", "small", "small"], "Of RGB, flow and sound."
)
_CROP = flags.DEFINE_integer("crop", None, "Side of the square, in pixels.")
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 25, "Frames of a clip.")
_FLOW_METHODS = flags.DEFINE_list(
    "flow_methods", ["dis"], "Stage by stage; the first by workers."
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")

FLOOR = "PyAV alone"
MODALITIES = ("rgb", "flow", "audio")


def decode_alone(path) -> None:
    """Decodes all that a file has, in one thread, and keeps nothing."""
    with av.open(str(path)) as container:
        streams = container.streams
        taken = [*streams.video[:1], *streams.audio[:1]]
        for stream in taken:
            stream.thread_type = "NONE"
        for _ in container.decode(*taken):
            pass


def make_plan(method: str) -> tuple[ExtractionPlan, dict]:
    """Gives what is taken from a file, and the backbones."""
    choices = {
        name: BackboneChoice(source)
        for name, source in zip(MODALITIES, _BACKBONES.value, strict=True)
    }
    crop = _CROP.value or input_side(choices["rgb"])
    sides = (round(crop * 8 / 7), crop)
    modalities = {
        "rgb": RgbPlan(*sides),
        "flow": FlowPlan(*sides, method=method),
        "audio": AudioPlan(),
    }
    frames = EqualIntervals(_NUM_FRAMES.value)
    return ExtractionPlan(frames, modalities), choices


def begin(folder, rows, method):
    """Begins a dataset of some clips."""
    plan, choices = make_plan(method)
    return extract_files(
        folder,
        _VIDEOS_DIR.value,
        {"train": rows},
        plan,
        choices,
        name="stages",
        class_names=None,
        dtype="float32",
        clips_per_shard=max(1, len(rows) // (4 * os.cpu_count())),
        seed=0,
        settings={},
    )


def stage_seconds(rows) -> dict[str, float]:
    """Gives the seconds a clip of each stage, in turns clip by clip."""
    seconds = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plans = {x: make_plan(x)[0] for x in _FLOW_METHODS.value}
        begin(folder, rows, _FLOW_METHODS.value[0])
        plan = next(iter(plans.values()))
        backbones = ClipBackbones(folder, plan)
        for number, row in enumerate([rows[0], *rows]):
            if number == 1:
                seconds.clear()  # what is traced and loaded once
            path = pathlib.Path(_VIDEOS_DIR.value) / row.path
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


def whole_rate(rows) -> float:
    """Gives clips a second of the whole, by all workers."""
    with tempfile.TemporaryDirectory() as folder:
        extraction = begin(folder, rows, _FLOW_METHODS.value[0])
        outcome = extraction.run(
            lambda job, tasks, on_event: local_engine.run_shards(
                job, tasks, os.cpu_count(), on_event
            ),
            read_ahead=2,
        )
    return outcome.num_clips / outcome.seconds


def some(rows, count):
    """Takes rows at equal distances."""
    step = max(1, len(rows) // count)
    return list(itertools.islice(rows, 0, None, step))[:count]


def main(argv):
    del argv
    set_threads(1)
    load = os.getloadavg()[0]
    rows = list_class_folders(_VIDEOS_DIR.value)
    seconds = stage_seconds(some(rows, _NUM_CLIPS.value))
    floor = seconds[FLOOR]
    print(f"{os.cpu_count()} CPUs, load {load:.2f}; {_NUM_FRAMES.value} frames")
    print("| stage | ms a clip | clips/s of a core | times PyAV alone |")
    print("|---|---:|---:|---:|")
    for stage, spent in seconds.items():
        print(
            f"| {stage} | {1000 * spent:.1f} | {1 / spent:.0f} | "
            f"{spent / floor:.2f} |"
        )
    method = _FLOW_METHODS.value[0]
    apart = sum(
        spent
        for stage, spent in seconds.items()
        if stage != FLOOR
        and not (stage.startswith("optical flow") and method not in stage)
    )
    rate = whole_rate(some(rows, _ALL_CLIPS.value))
    bound = os.cpu_count() / apart
    print(
        f"\nAll of it with {method}, {os.cpu_count()} workers: {rate:.1f} "
        f"clips/s, {rate / bound:.2f} of what the stages alone allow "
        f"({bound:.1f})."
    )
    if _OUTPUT.value:
        report = {
            "cpus": os.cpu_count(),
            "load": load,
            "num_frames": _NUM_FRAMES.value,
            "backbones": _BACKBONES.value,
            "seconds_per_clip": seconds,
            "clips_per_second": rate,
            "share_of_bound": rate / bound,
        }
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    app.run(main)
