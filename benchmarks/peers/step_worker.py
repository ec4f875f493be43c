"""Times one implementation of the training step, in a process of its own."""

import dataclasses
import importlib
import json
import sys

from measurement.timing import memory_mib
from measurement.timing import run_worker
from measurement.timing import time_in_turns
from peers.setting import MODES
from peers.setting import SETTINGS
from peers.setting import draw_batch

KERAS = "plain_keras", "PlainKeras"
TORCH = "torch_clusters", "TorchClusters"
PADDLE = "paddle_clusters", "PaddleClusters"
LOOP = {"variant": "loop"}

WAYS = {  # title in tables, module, class, and arguments of the class
    "own": ("ac_keras", "own_clusters", "OwnClusters", {}),
    "two_replicas": (
        "ac_keras, two replicas on these cores",
        "own_clusters",
        "ReplicaClusters",
        {},
    ),
    "jax": ("ac_keras on JAX", "jax_clusters", "JaxClusters", {}),
    "plain": ("plain Keras, batched units", *KERAS, {}),
    "loop": ("plain Keras, loop over units", *KERAS, LOOP),
    "torch": ("PyTorch, batched units", *TORCH, {}),
    "torch_compiled": ("PyTorch, torch.compile", *TORCH, {"compiled": True}),
    "torch_loop": ("PyTorch, loop over units", *TORCH, LOOP),
    "paddle": ("PaddlePaddle, batched units", *PADDLE, {}),
    "paddle_loop": ("PaddlePaddle, loop over units", *PADDLE, LOOP),
}
PACKAGES = {  # that modules need beside those of the tests
    "jax_clusters": "jax",
    "torch_clusters": "torch",
    "paddle_clusters": "paddle",
}
WARM_UP = {"torch_compiled": 3}  # rounds; 1 for the others


def title(name: str) -> str:
    """Returns the name of an implementation in tables."""
    return WAYS[name][0]


def run(name: str, **options) -> dict:
    """Calls `measure` in a new process, with the backend that it needs."""
    backend = "jax" if name == "jax" else "tensorflow"
    text = json.dumps({"name": name, **options})
    return run_worker("-m", "peers.step_worker", text, KERAS_BACKEND=backend)


def measure(
    name: str,
    setting: str = "kinetics",
    dtype_policy: str = "float32",
    rounds: int = 9,
    seconds: float = 3,
    batch_size: int | None = None,
    device: str | None = None,
) -> dict:
    """Times an implementation.

    Args:
        name: Its name in `WAYS`.
        setting: Name of the model's sizes.
        dtype_policy: Dtype policy of the layers.
        rounds: Calls of each mode.
        seconds: Seconds after which no round begins.
        batch_size: Clips per step; by default that of the setting.
        device: Device of PyTorch.

    Returns:
        The milliseconds of every call by mode, and the peak of the process's
        memory in MiB.
    """
    if dtype_policy != "float32":
        import keras  # Not imported for PyTorch and PaddlePaddle.

        keras.config.set_dtype_policy(dtype_policy)
    sizes = SETTINGS[setting]
    if batch_size:
        sizes = dataclasses.replace(sizes, batch_size=batch_size)
    _, module, class_name, arguments = WAYS[name]
    if device:
        arguments = {**arguments, "device": device}
    module = importlib.import_module(f"peers.{module}")
    peer = getattr(module, class_name)(sizes, seed=0, **arguments)
    peer.load_batch(*draw_batch(sizes, seed=0))
    modes = {mode: getattr(peer, mode) for mode in MODES}
    warm_up = WARM_UP.get(name, 1)
    found = time_in_turns(modes, rounds, seconds, warm_up=warm_up)
    return {
        "milliseconds": {k: [1000 * x for x in v] for k, v in found.items()},
        "peak_mib": memory_mib("VmHWM"),
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
