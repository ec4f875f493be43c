"""Measures the time of requests to a model server and of their product alone.

    python benchmarks/serving_load.py --settings=kinetics

starts the tests' stand-in for a model server as a process, or a real one if it
is in the PATH, with a random model of a setting's size. A client sends one
request after the other: frames over gRPC, records over gRPC, frames over REST.
Each row shows the latency that the client sees, and the clips per second next
to those of the lower bound: the classifier's matrix product alone, for as many
clips in the client's process. Compare shares within a run, because all ways
take turns and share the cores. The stand-in reads and writes JSON in Python,
which a real server does not: REST is left out where it would take seconds.
"""

import contextlib
import dataclasses
import pathlib
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.pipeline import Clip
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import encode_clip
from measurement import program
from measurement.report import Report
from measurement.timing import time_in_turns
from peers.setting import SETTINGS
from peers.setting import draw_batch

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.serving import model_server  # noqa: E402

NUM_FRAMES = 25
WAYS = {  # protocol, and whether records are sent
    "gRPC, frames": ("grpc", False),
    "gRPC, records": ("grpc", True),
    "REST, frames": ("rest", False),
}
PRODUCT = "classifier's product"
LARGE_JSON = 200_000  # numbers in a request
ROUNDS = 4

_SETTINGS = flags.DEFINE_list(
    "settings", ["flash_mnist", "kinetics"], "Model sizes."
)
_SECONDS = flags.DEFINE_float(
    "seconds", 3, "Seconds per number of clips, for all ways.", lower_bound=0
)
_CLIPS = flags.DEFINE_list("clips", "1,8,64", "Numbers of clips per request.")


def write_model(name: str, directory: str) -> Description:
    """Exports a random model; returns the description of its dataset."""
    setting = SETTINGS[name]
    description = Description(
        name,
        [f"class {i}" for i in range(setting.num_classes)],
        {key: Modality(dim, "float16") for key, dim in setting.dims.items()},
    )
    keras.utils.set_random_seed(0)
    model = cluster_classifier(*setting.sizes)
    serving.export_saved_model(model, directory, description)
    return description


def make_product(setting, num_clips: int):
    """Returns a function that computes the classifier's product."""
    x = tf.random.normal((num_clips, setting.width))
    kernel = tf.random.normal((setting.width, setting.num_classes))

    multiply = tf.function(tf.matmul)  # arguments, so that none is constant
    return lambda: multiply(x, kernel).numpy()


def make_ways(stack, server, name, description, count):
    """Returns the functions that send a request, by way."""
    sizes = dataclasses.replace(
        SETTINGS[name], batch_size=count, num_frames=NUM_FRAMES
    )
    features, _ = draw_batch(sizes, seed=0)
    clips = [{k: x[i] for k, x in features.items()} for i in range(count)]
    records = [
        encode_clip(Clip("", (0,), x), description).SerializeToString()
        for x in clips
    ]
    ways = {PRODUCT: make_product(SETTINGS[name], count)}
    numbers = sum(x.size for clip in clips for x in clip.values())
    for way, (protocol, as_records) in WAYS.items():
        if protocol == "rest" and numbers > LARGE_JSON:
            continue
        client = stack.enter_context(
            serving.Client(
                server.address(protocol),
                model_server.MODEL_NAME,
                protocol=protocol,
                batch_size=count,
                timeout=600,
            )
        )
        ask, sent = client.predict, clips
        if as_records:
            ask, sent = client.predict_examples, records
        ways[way] = lambda ask=ask, sent=sent: list(ask(sent))
    return ways


def measure(ways) -> dict[str, list[float]]:
    """Returns the seconds of each way's calls, without the first."""
    for way in ways.values():
        way()
    found = {name: [] for name in ways}
    turn = _SECONDS.value / ROUNDS / len(ways)
    for _ in range(ROUNDS):
        for name, way in ways.items():
            spent = time_in_turns({name: way}, seconds=turn, warm_up=0)
            found[name] += spent[name]
    return found


def rows_of(found, count):
    """Yields the table's rows for a number of clips per request."""
    rates = {name: count * len(x) / sum(x) for name, x in found.items()}
    for name, seconds in found.items():
        median, p99 = 1000 * np.percentile(seconds, [50, 99])
        yield [
            f"{name}, {count} clip{'s' if count > 1 else ''}",
            len(seconds),
            f"{median:,.1f}",
            f"{p99:,.1f}",
            f"{rates[name]:,.0f}",
            f"{100 * rates[name] / rates[PRODUCT]:.1f} %",
        ]


def add_setting(report: Report, name: str) -> None:
    """Serves a model and adds its table."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        description = write_model(name, directory)
        with model_server.serve(directory) as server:
            for count in map(int, _CLIPS.value):
                with contextlib.ExitStack() as stack:
                    ways = make_ways(stack, server, name, description, count)
                    rows.extend(rows_of(measure(ways), count))
    header = ["request", "requests", "median, ms", "p99, ms"]
    header += ["clips/s", "share of the product"]
    report.add_table(f"{name}, {NUM_FRAMES} frames per clip", header, rows)


def main(report):
    for name in _SETTINGS.value:
        add_setting(report, name)


if __name__ == "__main__":
    program.run(main)
