"""Times one implementation of the training step.

    python benchmarks/step_worker.py --way=torch --setting=kinetics

prints one line of JSON: the milliseconds of every call by mode, and the peak
of the process's memory in MiB. `training_step.py` and `gpu_step.py` start it,
one process for each implementation.
"""

import dataclasses
import importlib
import json
import resource
import time

from absl import app
from absl import flags
from absl import logging

from peers.setting import MODES
from peers.setting import SETTINGS
from peers.setting import draw_batch

WARM_UP = {"torch_compiled": 3}  # calls; 1 for the others
WAYS = {  # module, class and arguments
    "own": ("own_clusters", "OwnClusters", {}),
    "two_replicas": ("own_clusters", "ReplicaClusters", {}),
    "jax": ("jax_clusters", "JaxClusters", {}),
    "plain": ("peers.plain_keras", "PlainKeras", {}),
    "loop": ("peers.unit_loop", "UnitLoop", {}),
    "torch": ("peers.torch_clusters", "TorchClusters", {}),
    "torch_compiled": (
        "peers.torch_clusters",
        "TorchClusters",
        {"compiled": True},
    ),
    "torch_loop": (
        "peers.torch_clusters",
        "TorchClusters",
        {"variant": "loop"},
    ),
    "paddle": ("peers.paddle_clusters", "PaddleClusters", {}),
    "paddle_loop": (
        "peers.paddle_clusters",
        "PaddleClusters",
        {"variant": "loop"},
    ),
}

_WAY = flags.DEFINE_enum("way", "own", WAYS, "Implementation to time.")
_SETTING = flags.DEFINE_enum("setting", "kinetics", SETTINGS, "Model sizes.")
_DTYPE_POLICY = flags.DEFINE_string(
    "dtype_policy", "float32", "Dtype policy of the layers."
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 9, "Calls of each mode.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Clips per step; by default that of the setting."
)
_DEVICE = flags.DEFINE_enum(
    "device", None, ["cpu", "cuda"], "Device of PyTorch."
)
_SECONDS = flags.DEFINE_float(
    "seconds", 3, "Seconds after which no round begins."
)


def main(argv):
    del argv
    logging.set_verbosity(logging.ERROR)
    module, name, arguments = WAYS[_WAY.value]
    if _DTYPE_POLICY.value != "float32":
        import keras  # Not imported for PyTorch and PaddlePaddle.

        keras.config.set_dtype_policy(_DTYPE_POLICY.value)
    setting = SETTINGS[_SETTING.value]
    if _BATCH_SIZE.value:
        setting = dataclasses.replace(setting, batch_size=_BATCH_SIZE.value)
    if _DEVICE.value:
        arguments = {**arguments, "device": _DEVICE.value}
    way = getattr(importlib.import_module(module), name)(
        setting, seed=0, **arguments
    )
    way.load_batch(*draw_batch(setting, seed=0))
    found = {mode: [] for mode in MODES}
    for mode in MODES:
        for _ in range(WARM_UP.get(_WAY.value, 1)):
            getattr(way, mode)()
    began = time.perf_counter()
    while (
        len(found["step"]) < _ROUNDS.value
        and time.perf_counter() - began < _SECONDS.value
    ):
        for mode in MODES:
            start = time.perf_counter()
            getattr(way, mode)()
            found[mode].append(1000 * (time.perf_counter() - start))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps({"milliseconds": found, "peak_mib": peak}))


if __name__ == "__main__":
    app.run(main)
