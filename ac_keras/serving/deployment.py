"""Files that start a model server, rendered from `templates/`.

The templates are Jinja2; each file's first lines say how it is used.
"""

import os
import pathlib
import re

import jinja2

from ac_keras.utils.atomic_file import write_text

SERVER_VERSION = "2.20.0"
IMAGE = f"tensorflow/serving:{SERVER_VERSION}"
GRPC_PORT = 8500
REST_PORT = 8501
MODELS_CONFIG = "models.config"
FILES = (
    MODELS_CONFIG,
    "batching.config",
    "docker-compose.yml",
    "kubernetes.yaml",
)
# Valid unquoted in URLs, text protos and YAML. A Kubernetes name has at most
# 63 characters, and the longest one here ends in "-model".
_MAX_NAME_LENGTH = 57
_MODEL_NAME = re.compile(
    rf"[A-Za-z]([A-Za-z0-9_-]{{0,{_MAX_NAME_LENGTH - 2}}}[A-Za-z0-9])?"
)
_IMAGE = re.compile(r"[\w./-]+(:\d+/[\w./-]+)?[:@][\w.:-]+", re.ASCII)


def write_deployment(
    directory: str | os.PathLike,
    model_name: str,
    *,
    max_batch_size: int = 64,
    image: str = IMAGE,
) -> list[pathlib.Path]:
    """Writes files that start TensorFlow Serving into a model's folder.

    A server loads the folders that are named by numbers and ignores
    everything else, so these files lie beside the versions:

    - `models.config`: name and folder of the model,
    - `batching.config`: how the server merges requests, if batching is on,
    - `docker-compose.yml`: one server on this machine,
    - `kubernetes.yaml`: a Deployment, its Service and its volume's claim.

    The first lines of each file say how it is used. A file that exists is
    kept, since it may have been edited; delete it to have it written again.

    Args:
        directory: Folder of the versions; created if missing.
        model_name: Name by which clients address the model. Compose and
            Kubernetes objects get the same name in lower case, with hyphens
            instead of underscores.
        max_batch_size: Number of clips of the largest batch in
            `batching.config`.
        image: Container image with its tag or digest.

    Returns:
        The files that were written.

    Raises:
        ValueError: If an argument is invalid, or `models.config` exists and
            names another model.
    """
    check_model_name(model_name)
    _check_options(max_batch_size, image)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    _check_same_model(directory / MODELS_CONFIG, model_name)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ac_keras.serving"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    values = {
        "model_name": model_name,
        "service": model_name.lower().replace("_", "-"),
        # Where the container sees the folder of the versions.
        "mount": f"/models/{model_name}",
        "image": image,
        "server_version": SERVER_VERSION,
        "grpc_port": GRPC_PORT,
        "rest_port": REST_PORT,
        "max_batch_size": max_batch_size,
        # The powers of two below the largest size, and that size.
        "allowed_batch_sizes": [
            *(1 << x for x in range((max_batch_size - 1).bit_length())),
            max_batch_size,
        ],
    }
    written = []
    for name in FILES:
        path = directory / name
        if not path.exists():
            template = environment.get_template(f"{name}.jinja")
            write_text(path, template.render(values))
            written.append(path)
    return written


def check_model_name(model_name: str) -> None:
    """Raises ValueError if a name is invalid in URLs or in YAML."""
    if not _MODEL_NAME.fullmatch(model_name):
        raise ValueError(
            f"Serving expects a model_name of up to {_MAX_NAME_LENGTH} ASCII "
            "letters, digits, - and _, which begins with a letter and does "
            "not end with - or _. Received: "
            f"model_name={model_name!r}. Rename the folder or pass a name."
        )


def fitting_model_name(name: str) -> str:
    """Returns the valid model name that is closest to a folder's name."""
    words = re.findall("[A-Za-z0-9]+", name)
    if not words or not words[0][0].isalpha():
        words.insert(0, "model")
    return "_".join(words)[:_MAX_NAME_LENGTH].rstrip("_")


def _check_options(max_batch_size, image):
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
            f"write_deployment expects {path} to name the model "
            f"{model_name!r}. Received: {names}. Pass that name, or delete "
            f"{', '.join(FILES[:-1])} and {FILES[-1]} to have them written "
            "again."
        )
