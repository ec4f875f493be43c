"""The files that start a server beside the versions of a model."""

import os
import pathlib
import re

from ac_keras.serving.deployment.compose_file import COMPOSE_FILE
from ac_keras.serving.deployment.compose_file import compose_file
from ac_keras.serving.deployment.kubernetes_file import KUBERNETES_FILE
from ac_keras.serving.deployment.kubernetes_file import kubernetes_file
from ac_keras.serving.deployment.server_config import BATCHING_CONFIG
from ac_keras.serving.deployment.server_config import MODELS_CONFIG
from ac_keras.serving.deployment.server_config import SERVER_VERSION
from ac_keras.serving.deployment.server_config import batching_config
from ac_keras.serving.deployment.server_config import models_config
from ac_keras.utils.atomic_file import write_text

IMAGE = f"tensorflow/serving:{SERVER_VERSION}"
# What an address, a message and YAML all take as it is. Kubernetes has names
# of 63 characters and the claim's is the longest, by 6.
_MODEL_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]{0,55}[A-Za-z0-9])?")
_IMAGE = re.compile(r"[\w./-]+(:\d+/[\w./-]+)?[:@][\w.:-]+", re.ASCII)


def write_deployment(
    directory: str | os.PathLike,
    model_name: str,
    *,
    max_batch_size: int = 64,
    image: str = IMAGE,
) -> list[pathlib.Path]:
    """Writes what starts TensorFlow Serving into the folder of a model.

    A server takes folders named by numbers for versions and leaves out all
    else, so these files lie beside them:

    - `models.config`: which model the server has, and where,
    - `batching.config`: how it merges requests, which it does if told to,
    - `docker-compose.yml`: one server on this machine,
    - `kubernetes.yaml`: a Deployment, its Service and its volume's claim.

    Each says in its head how it is started. A file that is there already is
    left alone, since it may have been changed; remove it to have it anew.

    Args:
        directory: The folder of the versions; made if need be.
        model_name: The name under which clients ask for the model. Compose
            and Kubernetes name their objects alike, but in lower case and
            with hyphens for underscores.
        max_batch_size: Clips of the largest batch in `batching.config`.
        image: The container's image with its tag or digest.

    Returns:
        The files that were written.

    Raises:
        ValueError: If an argument does not fit, or `models.config` is there
            and has another model.
    """
    check_model_name(model_name)
    _check(max_batch_size, image)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    _check_same_model(directory / MODELS_CONFIG, model_name)
    service = model_name.lower().replace("_", "-")
    texts = {
        MODELS_CONFIG: models_config(model_name),
        BATCHING_CONFIG: batching_config(model_name, max_batch_size),
        COMPOSE_FILE: compose_file(model_name, service, image),
        KUBERNETES_FILE: kubernetes_file(model_name, service, image),
    }
    written = []
    for file_name, text in texts.items():
        path = directory / file_name
        if not path.exists():
            write_text(path, text)
            written.append(path)
    return written


def check_model_name(model_name: str) -> None:
    """Raises ValueError if a name does not do in URLs and in YAML."""
    if not _MODEL_NAME.fullmatch(model_name):
        raise ValueError(
            "Serving expects a model_name of up to 57 ASCII letters, digits, "
            "- and _, a letter first and no - or _ last. Received: "
            f"model_name={model_name!r}. Name the folder so, or pass a name."
        )


def fitting_model_name(name: str) -> str:
    """Gives a name that does, as like as can be to another."""
    words = re.findall("[A-Za-z0-9]+", name)
    if not words or not words[0][0].isalpha():
        words.insert(0, "model")
    return "_".join(words)[:57].rstrip("_")


def _check(max_batch_size, image):
    if max_batch_size < 1:
        raise ValueError(
            "write_deployment expects max_batch_size of 1 or more. Received: "
            f"max_batch_size={max_batch_size}. The default is 64."
        )
    if not _IMAGE.fullmatch(image):
        raise ValueError(
            "write_deployment expects an image with its tag or digest. "
            f"Received: image={image!r}. For example: {IMAGE}."
        )


def _check_same_model(path, model_name):
    if not path.exists():
        return
    names = re.findall(r'(?m)^\s*name:\s*"(.*)"', path.read_text("utf-8"))
    if model_name not in names:
        raise ValueError(
            f"write_deployment expects {path} to have the model "
            f"{model_name!r}. Received: {names}. Pass that name, or remove "
            f"{MODELS_CONFIG}, {BATCHING_CONFIG}, {COMPOSE_FILE} and "
            f"{KUBERNETES_FILE} to have them written anew."
        )
