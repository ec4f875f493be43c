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

SMALL = ["--num_units=4", "--epochs=2", "--batch_size=32", "--seed=3"]


def hash_file(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work_dir", type=pathlib.Path, required=True)
    parser.add_argument(
        "--repository",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parents[2],
    )
    arguments = parser.parse_args()
    repository = arguments.repository.resolve()
    work = arguments.work_dir.resolve()
    work.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(repository),
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }

    def run(program, *flags):
        result = subprocess.run(
            [sys.executable, repository / program, *flags],
            cwd=work,
            env=environment,
            text=True,
            capture_output=True,
        )
        if result.returncode:
            sys.exit(f"{program} {flags}\n{result.stderr[-3000:]}")
        return result.stdout

    def show(*patterns):
        for pattern in patterns:
            for path in sorted(work.glob(pattern)):
                if path.is_file():
                    name = path.relative_to(work)
                    print(hash_file(path), name, flush=True)

    def show_text(name, text):
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        print(digest, name, flush=True)

    demo = repository / "data/flash_mnist/demo.flags"
    run("data/flash_mnist/prepare.py", f"--flagfile={demo}")
    show("records/flash_mnist_uci/*.tfrecord*")
    small = repository / "data/synthetic/demo.flags"
    run("data/synthetic/prepare.py", f"--flagfile={small}")
    run(
        "data/synthetic/prepare.py",
        f"--flagfile={small}",
        "--multi_label",
        "--output_dir=records/several",
    )
    show("records/synthetic_demo/*.tfrecord*", "records/several/*.tfrecord*")
    run(
        "data/digits_av/prepare.py",
        "--num_train=24",
        "--num_validation=8",
        "--num_test=8",
        "--output_dir=videos",
    )
    show("videos/test/*/*.mp4")
    run(
        "data/videos/extract_features.py",
        "--videos_dir=videos",
        "--modalities=rgb,flow,audio",
        "--rgb_backbone=none",
        "--flow_backbone=none",
        "--audio_backbone=none",
        "--flow_method=dis",
        "--crop=64",
        "--resize=64",
        "--num_frames=6",
        "--patch_step=24",
        "--output_dir=records/inputs",
    )
    run(
        "trainers/finetune_backbone.py",
        "--data_dir=records/inputs",
        "--modality=rgb",
        "--backbone=small",
        "--epochs=1",
        "--batch_size=8",
        "--output_dir=runs/rgb",
    )
    run(
        "data/videos/extract_features.py",
        "--videos_dir=videos",
        "--modalities=rgb,flow,audio",
        "--rgb_backbone=runs/rgb/backbone.keras",
        "--audio_backbone=small",
        "--flow_method=dis",
        "--crop=64",
        "--resize=64",
        "--num_frames=6",
        "--patch_step=24",
        "--output_dir=records/features",
    )
    show("records/inputs/*.tfrecord*", "records/features/*.tfrecord*")
    show("runs/rgb/*.keras")
    run(
        "trainers/train.py",
        "--flagfile=flash_mnist_demo.flags",
        "--data_dir=records/flash_mnist_uci",
        "--output_dir=runs/demo",
    )
    run(
        "trainers/train.py",
        *SMALL,
        "--weighting=fc2",
        "--optimizer=rmsprop",
        "--data_dir=records/synthetic_demo",
        "--output_dir=runs/fc2",
    )
    run(
        "trainers/train.py",
        *SMALL,
        "--average_momentum=.9",
        "--data_dir=records/several",
        "--output_dir=runs/several",
    )
    run(
        "trainers/train.py",
        *SMALL,
        "--logical_devices=2",
        "--mean_features",
        "--data_dir=records/synthetic_demo",
        "--output_dir=runs/two_devices",
    )
    run(
        "trainers/train.py",
        *SMALL[:-2],
        "--batch_size=8",
        "--data_dir=records/features",
        "--output_dir=runs/videos",
    )
    show("runs/*/model.keras")
    printed = run(
        "trainers/predict.py",
        "--model=runs/demo/model.keras",
        "--data_dir=records/flash_mnist_uci",
        "--num_clips=100",
    )
    show_text("predictions of the demo", printed)
    printed = run(
        "trainers/predict.py",
        "--model=runs/two_devices/model.keras",
        "--data_dir=records/synthetic_demo",
    )
    show_text("predictions on two devices", printed)
    clips = sorted(work.glob("videos/test/*/*.mp4"))
    printed = run(
        "trainers/predict.py",
        "--model=runs/videos/model.keras",
        "--data_dir=records/features",
        *[str(x.relative_to(work)) for x in clips],
    )
    show_text("predictions of media files", printed)
    run(
        "trainers/predict.py",
        "--model=runs/several/model.keras",
        "--data_dir=records/several",
        "--records=records/several/*test*",
        "--output=predicted",
    )
    show("predicted/*.jsonl")


if __name__ == "__main__":
    main()
