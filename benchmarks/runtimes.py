"""Compares runtimes on one model: what they say and how long they take.

    python benchmarks/runtimes.py --setting=kinetics

A classifier of a dataset's size with random weights is written for each
runtime. TensorFlow runs a SavedModel of the same computation in a session, as
a server does, without the checks and names of a served one. All run in this
process, on all cores and on the same clips, one after the other in several
rounds; a figure is the median over all calls. The ratio is to TensorFlow's
median in the same run, below 1 where a runtime is faster. The difference is
the largest of a probability from the Keras model's.

OpenVINO is measured twice: in float32, and as it computes if left alone,
which is in bfloat16 on CPUs that have it.
"""

import json
import os
import pathlib
import platform
import tempfile
import time
from importlib import metadata

import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl import logging

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.layers import ShiftingCluster
from ac_keras.serving.runtimes import dense_saved_model

# Name: dim, units and frames of each modality, and classes.
SETTINGS = {
    "flash_mnist": ({"rgb": (50, 32, 25)}, 1024),
    "kinetics": (
        {
            "rgb": (1536, 64, 25),
            "flow": (1536, 32, 25),
            "audio": (512, 32, 25),
        },
        400,
    ),
}
TENSORFLOW = "tensorflow"
PACKAGES = ("tensorflow", "onnxruntime", "openvino")

_SETTING = flags.DEFINE_enum(
    "setting", "flash_mnist", list(SETTINGS), "Whose dims, units and classes."
)
_CLIPS = flags.DEFINE_list("clips", "1,8,64", "Clips of a call.")
_CALLS = flags.DEFINE_integer("calls", 100, "Calls a round.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the figures.")


def make_model(modalities, num_classes):
    """A classifier of a setting."""
    dims = {name: dim for name, (dim, _, _) in modalities.items()}
    clusters = {
        name: ShiftingCluster(num_units)
        for name, (_, num_units, _) in modalities.items()
    }
    model = cluster_classifier(dims, clusters, num_classes)
    # Its input has norm 1 a modality: some classes are then probable.
    kernel = model.get_layer("logits").kernel
    kernel.assign(np.random.default_rng(0).normal(0, 4, kernel.shape))
    return model


def draw_clips(modalities, num_clips):
    """Inputs of clips of unlike lengths."""
    rng = np.random.default_rng(num_clips)
    inputs = {}
    for name, (dim, _, num_frames) in modalities.items():
        shape = (num_clips, num_frames, dim)
        inputs[name] = rng.normal(size=shape).astype(np.float32)
        counts = rng.integers(num_frames // 2, num_frames + 1, num_clips)
        inputs[f"{name}_num_frames"] = counts.astype(np.int32)
    return inputs


def open_session(saved_model):
    """Loads a SavedModel as a server does."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta = tf.compat.v1.saved_model.loader.load(
            session, [tf.saved_model.SERVING], str(saved_model)
        )
    signature = meta.signature_def["serving_default"]
    feeds = {name: x.name for name, x in signature.inputs.items()}
    call = session.make_callable(
        signature.outputs["probabilities"].name, list(feeds.values())
    )
    return lambda inputs: call(*(inputs[name] for name in feeds))


def open_by_default(path):
    """Loads files of OpenVINO without asking for float32."""
    import openvino

    compiled = openvino.Core().compile_model(os.fspath(path), "CPU")
    return lambda inputs: compiled(inputs)["probabilities"].copy()


def open_all(model, modalities, directory):
    """By runtime, what gives probabilities."""
    with dense_saved_model(model) as saved_model:
        runtimes = {TENSORFLOW: open_session(saved_model)}
    labels = np.zeros(2, np.int32)
    pair = (draw_clips(modalities, 2), labels)
    batches = tf.data.Dataset.from_tensors(pair)
    for name, suffix in serving.RUNTIMES.items():
        path = os.path.join(directory, f"model{suffix}")
        serving.export_runtime(model, name, path, batches)
        runtimes[name] = serving.open_runtime(name, path)
        if name == "openvino":
            runtimes["openvino, its default"] = open_by_default(path)
    return runtimes


def time_calls(predict, inputs):
    """Milliseconds of each call after the first few."""
    milliseconds = []
    for _ in range(3):
        predict(inputs)
    for _ in range(_CALLS.value):
        start = time.perf_counter()
        predict(inputs)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return milliseconds


def compare(runtimes, model, inputs):
    """By runtime: median, 90th percentile, ratio and difference."""
    expected = model(inputs, training=False).numpy()
    taken = {name: [] for name in runtimes}
    for _ in range(_ROUNDS.value):
        for name, predict in runtimes.items():
            taken[name] += time_calls(predict, inputs)
            time.sleep(0.1)  # Till its threads have stopped to spin.
    p50 = {name: float(np.median(x)) for name, x in taken.items()}
    return {
        name: {
            "p50_ms": round(p50[name], 3),
            "p90_ms": round(float(np.percentile(taken[name], 90)), 3),
            "ratio": round(p50[name] / p50[TENSORFLOW], 3),
            "difference": float(np.abs(predict(inputs) - expected).max()),
        }
        for name, predict in runtimes.items()
    }


def main(argv):
    del argv
    logging.set_verbosity(logging.ERROR)
    modalities, num_classes = SETTINGS[_SETTING.value]
    model = make_model(modalities, num_classes)
    versions = {name: metadata.version(name) for name in PACKAGES}
    load = os.getloadavg()[0]
    print(f"{_SETTING.value}: {model.count_params():,} parameters; {versions}")
    print(f"{os.cpu_count()} CPUs of {platform.machine()}, load {load:.2f}\n")
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        runtimes = open_all(model, modalities, directory)
        print("| clips | runtime | p50, ms | p90, ms | ratio | difference |")
        print("|---|---|---|---|---|---|")
        for num_clips in map(int, _CLIPS.value):
            inputs = draw_clips(modalities, num_clips)
            results[num_clips] = compare(runtimes, model, inputs)
            for name, row in results[num_clips].items():
                print(f"| {num_clips} | {name} | {row['p50_ms']:.2f} |", end="")
                print(f" {row['p90_ms']:.2f} | {row['ratio']:.2f} |", end="")
                print(f" {row['difference']:.0e} |", flush=True)
    if _OUTPUT.value:
        report = {"setting": _SETTING.value, "versions": versions}
        report |= {"cpus": os.cpu_count(), "load": load, "clips": results}
        pathlib.Path(_OUTPUT.value).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    app.run(main)
