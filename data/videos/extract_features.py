r"""Extracts local features of videos and writes them as records.

    python data/videos/extract_features.py --videos_dir=videos \
        --rgb_backbone=InceptionResNetV2 --modalities=rgb \
        --output_dir=records/mine

reads `videos/CLASS/CLIP.mp4`, or `videos/SPLIT/CLASS/CLIP.mp4`; `--table` reads
a CSV file of path,label[,split] instead. See README.md beside this file. The
same command resumes an interrupted run at the missing shards and ends with the
same bytes.
"""

import os
import pathlib
import signal
import sys

from absl import app
from absl import flags
from absl import logging

from ac_keras.annotations.class_folders import list_class_folders
from ac_keras.annotations.class_names import load_class_names
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.splits import draw_splits
from ac_keras.extraction import plan as extraction_plan
from ac_keras.extraction.backbones.dataset_backbones import BackboneChoice
from ac_keras.extraction.backbones.dataset_backbones import audio_plan
from ac_keras.extraction.backbones.dataset_backbones import input_side
from ac_keras.extraction.backbones.input_format import parse_flag
from ac_keras.extraction.backbones.model_file import kind_of
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.engines import ray_engine
from ac_keras.extraction.engines.job import PROBLEMS_TABLE
from ac_keras.extraction.engines.job import WorkerError
from ac_keras.extraction.engines.run import Outcome
from ac_keras.extraction.extract import DatasetExtraction
from ac_keras.extraction.extract import extract_files
from ac_keras.extraction.extract import extract_inputs
from ac_keras.extraction.media.frame_times import EqualIntervals
from ac_keras.extraction.media.frame_times import FrameRate
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.pipeline import Manifest
from ac_keras.utils.deprecated_flags import define_deprecated_flag

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir",
    None,
    "Folder of class folders; with --table, the folder that its paths are "
    "relative to (default: the table's).",
)
_TABLE = flags.DEFINE_string(
    "table", None, "CSV file with columns path, label and optionally split."
)
_INPUTS_DIR = flags.DEFINE_string(
    "inputs_dir",
    None,
    "Folder of a dataset that stores the backbones' inputs, instead of media "
    "files. It determines frames, sizes and splits.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the dataset to write.", required=True
)
_NAME = flags.DEFINE_string("name", "videos", "Name of the dataset.")
_MODALITIES = flags.DEFINE_list(
    "modalities", ["rgb"], "Modalities among rgb, flow and audio."
)
_NUM_FRAMES = flags.DEFINE_integer(
    "num_frames",
    25,
    "Number of frames per clip, at equal intervals.",
    lower_bound=1,
)
_FRAMES_PER_SECOND = flags.DEFINE_float(
    "frames_per_second", None, "Frame rate, instead of --num_frames."
)
_MAX_NUM_FRAMES = flags.DEFINE_integer(
    "max_num_frames",
    300,
    "Maximum number of frames of a clip with --frames_per_second.",
    lower_bound=1,
)
define_deprecated_flag("max_frames", _MAX_NUM_FRAMES)
_CROP = flags.DEFINE_integer(
    "crop",
    None,
    "Side of the square that backbones take, in pixels (default: the usual "
    "size of the network).",
)
_RESIZE = flags.DEFINE_integer(
    "resize",
    None,
    "Shorter side of frames before the crop, in pixels (default: 8/7 of it).",
)
_BACKBONES = {
    name: flags.DEFINE_string(
        f"{name}_backbone",
        None,
        f"{kinds}, a .keras, .tflite or .onnx file, a SavedModel folder, or "
        "`none` to store the inputs.",
    )
    for name, kinds in {
        "rgb": "Backbone of RGB: `small`, a name in keras.applications, "
        "`keras_hub:PRESET`",
        "flow": "Backbone of flow (default: inflated from RGB's): as for RGB",
        "audio": "Backbone of audio: `small`, `vgg16`, `speech_embedding`",
    }.items()
}
_WEIGHTS = {
    name: flags.DEFINE_string(
        f"{name}_weights",
        default,
        f"Weights of the {name} backbone: `imagenet`, a file, or `none`.",
    )
    for name, default in {
        "rgb": "imagenet",
        "flow": "imagenet",
        "audio": "none",
    }.items()
}
_INPUTS = {
    name: flags.DEFINE_list(
        f"{name}_input",
        [],
        f"Inputs of a .tflite, .onnx or SavedModel backbone of {name}, instead "
        f"of the JSON file beside it: {values}.",
    )
    for name, values in {
        "rgb": "scale=0.0078125,offset=-1,layout=NCHW,input_shape=3;224;224,"
        "output=NAME",
        "flow": "as for RGB",
        "audio": "scale=1,step=7680,input_shape=15600,sample_rate=16000",
    }.items()
}
_FLOW_METHOD = flags.DEFINE_enum(
    "flow_method",
    "tvl1",
    ["tvl1", "dis"],
    "Algorithm for optical flow; dis is a hundred times faster.",
)
_STACK_LENGTH = flags.DEFINE_integer(
    "stack_length", 5, "Number of frame pairs in a flow stack.", lower_bound=1
)
_PATCH_STEP = flags.DEFINE_integer(
    "patch_step",
    96,
    "Steps of 10 ms from one log-mel patch to the next; a patch has 96. "
    "`speech_embedding` has its own step, 80 ms.",
    lower_bound=1,
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "float16"],
    "Storage type of float features.",
)
_VOCABULARY = flags.DEFINE_string(
    "vocabulary", None, "CSV file with a column Name: the classes in order."
)
_VALIDATION_SHARE = flags.DEFINE_float(
    "validation_share", 0.0, "Fraction of clips drawn for validation."
)
_TEST_SHARE = flags.DEFINE_float(
    "test_share", 0.0, "Fraction of clips drawn for the test split."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of splits, order and random weights.", lower_bound=0
)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 128, "Maximum number of clips per file.", lower_bound=1
)
_ENGINE = flags.DEFINE_enum(
    "engine", "local", ["local", "ray"], "Engine that runs the workers."
)
_WORKERS = flags.DEFINE_integer(
    "workers", None, "Number of worker processes (default: number of cores)."
)
_READ_AHEAD = flags.DEFINE_integer(
    "read_ahead",
    2,
    "Number of files that a worker decodes at a time.",
    lower_bound=1,
)
_RAY_ADDRESS = flags.DEFINE_string(
    "ray_address",
    None,
    "Address of a Ray cluster (default: start one on this machine).",
)
_GPUS_PER_WORKER = flags.DEFINE_float(
    "gpus_per_worker", 0.0, "GPUs per worker with Ray; a fraction shares one."
)
_RETRY = flags.DEFINE_bool(
    "retry", False, "Extract shards again from which clips were left out."
)

ENGINES = {"local": local_engine, "ray": ray_engine}


def choices() -> dict[str, BackboneChoice]:
    """Returns the backbone of each modality from the flags."""
    found = {}
    for name in _MODALITIES.value:
        source, inflate_from = _BACKBONES[name].value, None
        if name == "flow" and source is None:
            rgb = _BACKBONES["rgb"].value
            if rgb and rgb.endswith(".keras"):
                inflate_from = rgb
            elif not kind_of(rgb):
                source = rgb
        weights = _WEIGHTS[name].value
        if source is None and inflate_from is None:
            raise ValueError(
                f"Expected --{name}_backbone. Received: none. Pass a network, "
                "a .keras file, or `none` to store its inputs and train one "
                "with trainers/finetune_backbone.py."
            )
        found[name] = BackboneChoice(
            source,
            None if weights == "none" else weights,
            inflate_from,
            parse_flag(_INPUTS[name].value, _INPUTS[name].name),
        )
    return found


def make_plan(chosen: dict[str, BackboneChoice]) -> ExtractionPlan:
    """Returns the plan that the flags define."""
    modalities = {}
    for name, choice in chosen.items():
        if name == "audio":
            plan = audio_plan(choice, _PATCH_STEP.value)
        else:
            crop = _CROP.value or input_side(choice)
            sides = (_RESIZE.value or round(crop * 8 / 7), crop)
            plan = extraction_plan.RgbPlan(*sides)
            if name == "flow":
                plan = extraction_plan.FlowPlan(
                    *sides, _STACK_LENGTH.value, _FLOW_METHOD.value
                )
        modalities[name] = plan
    frames = EqualIntervals(_NUM_FRAMES.value)
    if _FRAMES_PER_SECOND.value:
        frames = FrameRate(_FRAMES_PER_SECOND.value, _MAX_NUM_FRAMES.value)
    return ExtractionPlan(frames, modalities)


def list_clips() -> tuple[pathlib.Path, list[ClipRow]]:
    """Returns the folder that paths are relative to, and the clips."""
    if _TABLE.value:
        folder = _VIDEOS_DIR.value or pathlib.Path(_TABLE.value).parent
        rows = load_table(_TABLE.value)
    elif _VIDEOS_DIR.value:
        folder, rows = _VIDEOS_DIR.value, list_class_folders(_VIDEOS_DIR.value)
    else:
        raise ValueError(
            "Expected --videos_dir or --table. Received: neither. Pass a "
            "folder of class folders, or a table of files."
        )
    folder = pathlib.Path(folder).absolute()
    if not any((folder / row.path).is_file() for row in rows):
        raise ValueError(
            f"Expected the clips' files below {folder}. Received: none of "
            f"{len(rows)} exists, such as {rows[0].path}. Pass the folder "
            "that the paths are relative to with --videos_dir."
        )
    return folder, rows


def begin() -> DatasetExtraction:
    """Starts or resumes the extraction that the flags describe."""
    chosen = choices()
    if _INPUTS_DIR.value:
        return extract_inputs(
            _OUTPUT_DIR.value,
            Manifest.load(_INPUTS_DIR.value),
            chosen,
            dtype=_DTYPE.value,
            seed=_SEED.value,
        )
    folder, rows = list_clips()
    shares = (_VALIDATION_SHARE.value, _TEST_SHARE.value)
    return extract_files(
        _OUTPUT_DIR.value,
        folder,
        draw_splits(rows, *shares, _SEED.value),
        make_plan(chosen),
        chosen,
        name=_NAME.value,
        class_names=_VOCABULARY.value and load_class_names(_VOCABULARY.value),
        dtype=_DTYPE.value,
        clips_per_shard=_CLIPS_PER_SHARD.value,
        seed=_SEED.value,
        settings={x.name: x.value for x in (_VALIDATION_SHARE, _TEST_SHARE)},
    )


def engine():
    """Returns the function that runs the workers."""
    workers = _WORKERS.value or os.cpu_count()
    options = {}
    if _ENGINE.value == "ray":
        options["address"] = _RAY_ADDRESS.value
        options["num_gpus"] = _GPUS_PER_WORKER.value
    run = ENGINES[_ENGINE.value].run_shards
    return lambda job, tasks, on_event: run(
        job, tasks, workers, on_event, **options
    )


def extract() -> Outcome:
    """Runs the extraction.

    Raises:
        FileNotFoundError: If a folder or table is missing.
        ValueError: If flags, files and folder are inconsistent.
        WorkerError: If workers fail.
    """
    extraction = begin()
    if _RETRY.value:
        extraction.retry()
    return extraction.run(engine(), _READ_AHEAD.value)


def report(outcome: Outcome) -> None:
    """Prints the result."""
    rate = outcome.num_clips / max(outcome.seconds, 1e-9)
    print(
        f"{outcome.num_clips:,} clips in {outcome.num_shards} files, "
        f"{outcome.seconds:,.1f} s, {rate:,.1f} clips/s"
    )
    total = max(sum(outcome.stage_seconds.values()), 1e-9)
    for stage, seconds in sorted(
        outcome.stage_seconds.items(), key=lambda item: -item[1]
    ):
        share = 100 * seconds / total
        print(f"  {stage:<20} {seconds:>9,.1f} s  {share:>3.0f} %")
    if outcome.num_left_out or outcome.num_in_part:
        print(
            f"left out: {outcome.num_left_out:,}, used in part: "
            f"{outcome.num_in_part:,}; see "
            f"{pathlib.Path(_OUTPUT_DIR.value) / PROBLEMS_TABLE}"
        )
    print(f"The dataset is in {_OUTPUT_DIR.value}")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    logging.set_verbosity(logging.WARNING)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report(extract())
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to continue.")
    except (FileNotFoundError, ImportError, ValueError, WorkerError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
