"""Measures what serving a model costs beside its arithmetic.

    python benchmarks/serving_load.py --setting=flash_mnist

Starts the tests' stand-in for a model server as a process, or a real one where
the PATH has it, with a random model of a setting's size. A client asks it for
some clips at a time, one request after the other: with frames over gRPC, with
records over gRPC, with frames over REST. Each line tells a request's latency as
the client sees it, and the clips per second beside those of the model's matrix
products alone, for as many clips in the client's process. That is the floor;
the share of it that was reached compares within a run, as all share the cores.
The stand-in reads and writes JSON in Python, which a real server does not.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import encode_clip
from ac_keras.pipeline.atomic_file import write_text

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS / "serving"))

import model_server  # noqa: E402

NUM_FRAMES = 25
SETTINGS = {  # dim and units of each modality, number of classes
    "flash_mnist": ({"rgb": (50, 32)}, 1024),
    "kinetics": (
        {"rgb": (1536, 64), "flow": (1536, 32), "audio": (512, 32)},
        400,
    ),
}
WAYS = {  # protocol, and whether records are sent
    "gRPC, frames": ("grpc", False),
    "gRPC, records": ("grpc", True),
    "REST, frames": ("rest", False),
}

_SETTING = flags.DEFINE_enum(
    "setting", "flash_mnist", list(SETTINGS), "The model's size."
)
_SECONDS = flags.DEFINE_float(
    "seconds", 5, "Seconds a line, of three requests or more.", lower_bound=0
)
_CLIPS = flags.DEFINE_list("clips", "1,8,64", "Clips in a request.")
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def write_model(directory: str) -> Description:
    """Exports a random model; gives the dataset that it would be of."""
    sizes, num_classes = SETTINGS[_SETTING.value]
    description = Description(
        _SETTING.value,
        [f"class {i}" for i in range(num_classes)],
        {name: Modality(dim, "float16") for name, (dim, _) in sizes.items()},
    )
    keras.utils.set_random_seed(0)
    model = cluster_classifier(
        {name: dim for name, (dim, _) in sizes.items()},
        {name: num_units for name, (_, num_units) in sizes.items()},
        num_classes,
    )
    serving.export_saved_model(model, directory, description)
    return description


def draw_clips(description: Description, count: int) -> list[dict]:
    """Clips of noise, frames by modality."""
    rng = np.random.default_rng(0)
    dims = {name: x.dim for name, x in description.modalities.items()}
    return [
        {x: rng.standard_normal((NUM_FRAMES, dims[x]), "float32") for x in dims}
        for _ in range(count)
    ]


def measure(work) -> list[float]:
    """Gives the seconds of each of many calls, the first left out."""
    work()
    seconds, end = [], time.perf_counter() + _SECONDS.value
    while len(seconds) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def make_products(clips: list[dict]):
    """Gives what does the model's matrix products and nothing else."""
    sizes, num_classes = SETTINGS[_SETTING.value]
    frames, kernels = {}, {}
    for name, (dim, num_units) in sizes.items():
        frames[name] = tf.constant([clip[name] for clip in clips])
        kernels[name] = tf.random.normal((dim, num_units))
    num_features = sum(tf.size(kernel) for kernel in kernels.values())
    logits = tf.random.normal((num_features, num_classes))

    @tf.function
    def multiply(frames, kernels, logits):  # given, so that none is constant
        features = []
        for name, x in frames.items():
            scores = x @ kernels[name]
            pooled = tf.matmul(scores, x, transpose_a=True)
            features.append(tf.reshape(pooled, (len(clips), -1)))
        return tf.concat(features, axis=1) @ logits

    return lambda: multiply(frames, kernels, logits).numpy()


def describe(way, clips, seconds, floor):
    """Gives a line's figures."""
    p50, p90, p99 = np.percentile(seconds, [50, 90, 99])
    return {
        "way": way,
        "clips": len(clips),
        "requests": len(seconds),
        "p50_ms": 1000 * p50,
        "p90_ms": 1000 * p90,
        "p99_ms": 1000 * p99,
        "clips_per_second": len(clips) * len(seconds) / sum(seconds),
        "floor_clips_per_second": len(clips) * len(floor) / sum(floor),
    }


def print_line(line):
    share = line["clips_per_second"] / line["floor_clips_per_second"]
    print(
        "| {way} | {clips} | {requests} | {p50_ms:.1f} | {p90_ms:.1f} "
        "| {p99_ms:.1f} | {clips_per_second:,.0f} "
        "| {floor_clips_per_second:,.0f} |".format(**line),
        f"{100 * share:.1f} % |",
        flush=True,
    )


def run(server, description):
    """Yields the lines' figures."""
    for count in map(int, _CLIPS.value):
        clips = draw_clips(description, count)
        records = [
            encode_clip(Clip("", (0,), x), description).SerializeToString()
            for x in clips
        ]
        floor = measure(make_products(clips))
        for way, (protocol, as_records) in WAYS.items():
            with serving.Client(
                server.address(protocol),
                model_server.MODEL_NAME,
                protocol=protocol,
                batch_size=count,
                timeout=600,
            ) as client:
                ask, sent = client.predict, clips
                if as_records:
                    ask, sent = client.predict_examples, records
                seconds = measure(lambda ask=ask, x=sent: list(ask(x)))
                yield describe(way, clips, seconds, floor)


def main(argv):
    del argv
    logging.set_verbosity(logging.WARNING)
    figures = {
        "setting": _SETTING.value,
        "server": model_server.find_binary() or "our stand-in",
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "lines": [],
    }
    print("| way | clips | requests | p50 ms | p90 ms | p99 ms ", end="")
    print("| clips/s | floor clips/s | share |\n|", "---|" * 9, sep="")
    with tempfile.TemporaryDirectory() as directory:
        description = write_model(directory)
        with model_server.serve(directory) as server:
            for line in run(server, description):
                figures["lines"].append(line)
                print_line(line)
    if _OUTPUT.value:
        write_text(_OUTPUT.value, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    app.run(main)
