"""Times one implementation of the training step, in a process of its own."""

import dataclasses
import importlib
import importlib.util
import json
import resource
import sys

from measurement.timing import run_worker
from measurement.timing import time_in_turns
from peers.setting import MODES
from peers.setting import SETTINGS
from peers.setting import draw_batch


@dataclasses.dataclass(frozen=True)
class Way:
    """An implementation of the training step.

    Attributes:
        title: Name in tables.
        module: Name of its module in this folder.
        name: Name of its class.
        arguments: Arguments of the class beside setting and seed.
        package: Package that it needs beside those of the tests.
        warm_up: Rounds that are not counted.
    """

    title: str
    module: str
    name: str
    arguments: dict = dataclasses.field(default_factory=dict)
    package: str | None = None
    warm_up: int = 1


def _keras(title, variant):
    return Way(title, "plain_keras", "PlainKeras", {"variant": variant})


def _torch(title, warm_up=1, **arguments):
    names = "torch_clusters", "TorchClusters"
    return Way(title, *names, arguments, "torch", warm_up)


def _paddle(title, variant):
    names = "paddle_clusters", "PaddleClusters"
    return Way(title, *names, {"variant": variant}, "paddle")


WAYS = {
    "own": Way("ac_keras", "own_clusters", "OwnClusters"),
    "two_replicas": Way(
        "ac_keras, two replicas on these cores",
        "own_clusters",
        "ReplicaClusters",
    ),
    "jax": Way("ac_keras on JAX", "jax_clusters", "JaxClusters", {}, "jax"),
    "plain": _keras("plain Keras, batched units", "batched"),
    "loop": _keras("plain Keras, loop over units", "loop"),
    "torch": _torch("PyTorch, batched units"),
    "torch_compiled": _torch(
        "PyTorch, torch.compile", warm_up=3, compiled=True
    ),
    "torch_loop": _torch("PyTorch, loop over units", variant="loop"),
    "paddle": _paddle("PaddlePaddle, batched units", "batched"),
    "paddle_loop": _paddle("PaddlePaddle, loop over units", "loop"),
}


def run(name: str, backend: str = "tensorflow", **options) -> dict:
    """Times an implementation in a new process.

    Args:
        name: Its name in `WAYS`.
        backend: Backend of Keras.
        **options: Arguments of `measure`.

    Returns:
        The milliseconds of every call by mode, and the peak of the process's
        memory in MiB.
    """
    text = json.dumps({"name": name, **options})
    return run_worker("-m", "peers.step_worker", text, KERAS_BACKEND=backend)


def is_installed(name: str) -> bool:
    """Returns whether the package of an implementation is installed."""
    package = WAYS[name].package
    return not package or importlib.util.find_spec(package) is not None


def measure(
    name: str,
    setting: str = "kinetics",
    dtype_policy: str = "float32",
    rounds: int = 9,
    seconds: float = 3,
    batch_size: int | None = None,
    device: str | None = None,
) -> dict:
    """Times an implementation in this process; see `run`.

    Args:
        name: Its name in `WAYS`.
        setting: Name of the model's sizes.
        dtype_policy: Dtype policy of the layers.
        rounds: Calls of each mode.
        seconds: Seconds after which no round begins.
        batch_size: Clips per step; by default that of the setting.
        device: Device of PyTorch.
    """
    if dtype_policy != "float32":
        import keras  # Not imported for PyTorch and PaddlePaddle.

        keras.config.set_dtype_policy(dtype_policy)
    chosen, way = SETTINGS[setting], WAYS[name]
    if batch_size:
        chosen = dataclasses.replace(chosen, batch_size=batch_size)
    arguments = {**way.arguments, **({"device": device} if device else {})}
    module = importlib.import_module(f"peers.{way.module}")
    peer = getattr(module, way.name)(chosen, seed=0, **arguments)
    peer.load_batch(*draw_batch(chosen, seed=0))
    found = time_in_turns(
        {mode: getattr(peer, mode) for mode in MODES},
        rounds,
        warm_up=way.warm_up,
        seconds=seconds,
    )
    return {
        "milliseconds": {k: [1000 * x for x in v] for k, v in found.items()},
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    }


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
