"""Prints the SHA-256 of everything that a seed determines.

    python tests/support/fingerprints.py --work_dir=/tmp/before > before.txt

Writes small datasets, extracts features, trains, predicts, and prints a line
for each file with its hash. The hashes are equal before and after a change that
must not change behaviour, on one machine and in one environment.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTRACT = """data/videos/extract_features.py --videos_dir=videos
 --modalities=rgb,flow,audio --flow_method=dis --crop=64 --resize=64
 --num_frames=6 --patch_step=24"""
TRAIN = (
    "trainers/train.py --num_units=4 --epochs=2 --standardize=none "
    "--classifier_lr_multiplier=1 --schedule=constant"
)
SMALL = f"{TRAIN} --batch_size=32 --seed=3 --data_dir=records"
PREDICT = "trainers/predict.py --model=runs"
COMMANDS = (
    "data/flash_mnist/prepare.py --flagfile={root}/data/flash_mnist/demo.flags",
    "data/synthetic/prepare.py --flagfile={root}/data/synthetic/demo.flags",
    "data/synthetic/prepare.py --flagfile={root}/data/synthetic/demo.flags "
    "--multi_label --output_dir=records/several",
    "data/digits_av/prepare.py --num_train=24 --num_validation=8 --num_test=8 "
    "--output_dir=videos",
    f"{EXTRACT} --rgb_backbone=none --flow_backbone=none "
    "--audio_backbone=none --output_dir=records/inputs",
    "trainers/finetune_backbone.py --data_dir=records/inputs --modality=rgb "
    "--backbone=small --epochs=1 --batch_size=8 --output_dir=runs/rgb",
    f"{EXTRACT} --rgb_backbone=runs/rgb/backbone.keras "
    "--audio_backbone=small --output_dir=records/features",
    "trainers/train.py --flagfile=flash_mnist_demo.flags "
    "--data_dir=records/flash_mnist_uci --output_dir=runs/demo",
    f"{SMALL}/synthetic_demo --weighting=fc2 --optimizer=rmsprop "
    "--output_dir=runs/fc2",
    f"{SMALL}/several --ema_momentum=.9 --output_dir=runs/several",
    f"{SMALL}/synthetic_demo --logical_devices=2 --mean_features "
    "--output_dir=runs/two_devices",
    f"{TRAIN} --batch_size=8 --data_dir=records/features "
    "--output_dir=runs/videos",
    f"{PREDICT}/several/model.keras --data_dir=records/several "
    "--records=records/several/*test* --output=predicted",
)
PRINTING = (  # Their output is hashed too.
    f"{PREDICT}/demo/model.keras --data_dir=records/flash_mnist_uci "
    "--num_clips=100",
    f"{PREDICT}/two_devices/model.keras --data_dir=records/synthetic_demo",
    f"{PREDICT}/videos/model.keras --data_dir=records/features "
    "videos/test/*/*.mp4",
)
FILES = (
    "records/*/*.tfrecord*",
    "videos/test/*/*.mp4",
    "runs/rgb/*.keras",
    "runs/*/model.keras",
    "predicted/*.jsonl",
)


def show(data, name):
    print(hashlib.sha256(data).hexdigest()[:32], name, flush=True)


def arguments_of(command, root, work):
    """Splits a command and expands the patterns of its media files."""
    program, *arguments = command.format(root=root).split()
    yield root / program
    for argument in arguments:
        paths = sorted(work.glob(argument)) if argument[0] != "-" else []
        yield from [str(x.relative_to(work)) for x in paths] or [argument]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument("--repository", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    root, work = arguments.repository.resolve(), arguments.work_dir.resolve()
    work.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    for command in COMMANDS + PRINTING:
        result = subprocess.run(
            [sys.executable, *arguments_of(command, root, work)],
            cwd=work,
            env=environment,
            capture_output=True,
        )
        if result.returncode:
            sys.exit(f"{command}\n{result.stderr.decode()[-3000:]}")
        if command in PRINTING:
            show(result.stdout, command)
    for pattern in FILES:
        for path in sorted(work.glob(pattern)):
            show(path.read_bytes(), path.relative_to(work))


if __name__ == "__main__":
    main()
