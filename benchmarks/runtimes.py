"""Compares runtimes on one model: their probabilities and their times.

    python benchmarks/runtimes.py --setting=kinetics

exports a classifier of a dataset's size with random weights for each runtime.
TensorFlow runs a SavedModel of the same computation in a session, as a server
does, without the checks and names of a served one. All runtimes use all cores
of this process and the same clips, in turns over several rounds. Times are
medians over all calls. The ratio is that to TensorFlow's median in the same
run, below 1 for a faster runtime. The difference is the largest of a
probability from that of the Keras model.

OpenVINO is measured twice: in float32, and in its default precision, which is
bfloat16 on CPUs that support it.
"""

import os
import tempfile
import time
from importlib import metadata

import numpy as np
import tensorflow as tf
from absl import flags
from absl import logging

from ac_keras import cluster_classifier
from ac_keras import serving
from ac_keras.serving.runtimes import dense_saved_model
from measurement import program
from measurement.timing import time_in_turns
from peers.setting import SETTINGS

NUM_FRAMES = 25
TENSORFLOW = "tensorflow"
PACKAGES = ("tensorflow", "onnxruntime", "openvino")

_SETTING = flags.DEFINE_enum(
    "setting", "flash_mnist", list(SETTINGS), "Model sizes."
)
_CLIPS = flags.DEFINE_list("clips", "1,8,64", "Numbers of clips per call.")
_CALLS = flags.DEFINE_integer("calls", 100, "Calls per round.", lower_bound=1)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)


def make_model(setting):
    """Builds a classifier of a setting."""
    model = cluster_classifier(*setting.sizes)
    # Each modality of its input has norm 1: this makes some classes probable.
    kernel = model.classifier.kernel
    kernel.assign(np.random.default_rng(0).normal(0, 4, kernel.shape))
    return model


def draw_clips(setting, num_clips):
    """Draws inputs of clips of different lengths."""
    rng = np.random.default_rng(num_clips)
    inputs = {}
    for name, dim in setting.dims.items():
        shape = (num_clips, NUM_FRAMES, dim)
        inputs[name] = rng.normal(size=shape).astype(np.float32)
        counts = rng.integers(NUM_FRAMES // 2, NUM_FRAMES + 1, num_clips)
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


def open_all(model, setting, directory):
    """Returns the functions that compute probabilities, by runtime."""
    with dense_saved_model(model) as saved_model:
        runtimes = {TENSORFLOW: open_session(saved_model)}
    pair = draw_clips(setting, 2), np.zeros(2, np.int32)
    batches = tf.data.Dataset.from_tensors(pair)
    for name, suffix in serving.RUNTIMES.items():
        path = os.path.join(directory, f"model{suffix}")
        serving.export_runtime(model, name, path, batches)
        runtimes[name] = serving.open_runtime(name, path)
        if name == "openvino":
            runtimes["openvino, its default"] = open_by_default(path)
    return runtimes


def compare(runtimes, model, inputs):
    """Returns median, 90th percentile, ratio and difference by runtime."""
    expected = model(inputs, training=False).numpy()
    taken = {name: [] for name in runtimes}
    for _ in range(_ROUNDS.value):
        for name, predict in runtimes.items():
            call = {name: lambda predict=predict: predict(inputs)}
            taken[name] += time_in_turns(call, _CALLS.value, warm_up=3)[name]
            time.sleep(0.1)  # Until its threads stop spinning.
    p50, p90 = (
        {name: 1000 * np.percentile(x, percent) for name, x in taken.items()}
        for percent in (50, 90)
    )
    return {
        name: [
            f"{p50[name]:.2f}",
            f"{p90[name]:.2f}",
            f"{p50[name] / p50[TENSORFLOW]:.2f}",
            f"{np.abs(predict(inputs) - expected).max():.0e}",
        ]
        for name, predict in runtimes.items()
    }


def main(report):
    logging.set_verbosity(logging.ERROR)  # Sessions are deprecated.
    setting, rows = SETTINGS[_SETTING.value], []
    model = make_model(setting)
    versions = ", ".join(f"{x} {metadata.version(x)}" for x in PACKAGES)
    with tempfile.TemporaryDirectory() as directory:
        runtimes = open_all(model, setting, directory)
        for num_clips in map(int, _CLIPS.value):
            cells = compare(runtimes, model, draw_clips(setting, num_clips))
            rows += [[num_clips, name, *row] for name, row in cells.items()]
    report.add_table(
        f"{_SETTING.value}: {model.count_params():,} parameters, {versions}, "
        f"{os.cpu_count()} cores",
        ["clips", "runtime", "p50, ms", "p90, ms", "ratio", "difference"],
        rows,
    )


if __name__ == "__main__":
    program.run(main)
