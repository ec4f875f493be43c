"""The files that start a server beside the versions of a model."""

import os
import pathlib
import re

from ac_keras.utils.atomic_file import write_text

SERVER_VERSION = "2.20.0"
GRPC_PORT = 8500
REST_PORT = 8501
MODELS_CONFIG = "models.config"
BATCHING_CONFIG = "batching.config"
KEPT = "Written once: your changes are kept, by later exports too."

_MODELS = """\
# Which models a TensorFlow Serving server has, and where: a ModelServerConfig,
# written for TensorFlow Serving {version}.
#
#   tensorflow_model_server --port={grpc} --rest_api_port={rest} \\
#     --model_config_file={mount}/{models_config}
#
# base_path is the folder as the server's container sees it. The server polls
# it and serves the folder in it that has the largest number for a name.
# {kept}
model_config_list {{
  config {{
    name: "{model_name}"
    base_path: "{mount}"
    model_platform: "tensorflow"
    model_version_policy {{
      latest {{
        num_versions: 1
      }}
    }}
  }}
}}
"""

_BATCHING = """\
# How a TensorFlow Serving server merges requests into batches:
# BatchingParameters, written for TensorFlow Serving {version}. A server merges
# none unless it is started with both
#
#   --enable_batching=true
#   --batching_parameters_file={mount}/{batching_config}
#
# It then serves more clips/s, at a price: a request that the model refuses
# takes those along that were merged with it; the signature predict_frames is
# refused; a request of more than max_batch_size clips is refused; and the
# signature attention gives scores up to the longest clip of the whole batch.
# {kept}
max_batch_size {{ value: {max_batch_size} }}
# How long the first request of a batch waits for others.
batch_timeout_micros {{ value: 2000 }}
# Batches that run at a time: set it to the number of CPU cores.
num_batch_threads {{ value: 4 }}
# Batches that wait. Requests past them are refused as UNAVAILABLE.
max_enqueued_batches {{ value: 100 }}
# A batch is filled up to one of these, which ascend to max_batch_size.
{allowed_batch_sizes}
# Clips have unlike numbers of frames. The model does not count the padding.
pad_variable_length_inputs: true
"""


def mount_path(model_name: str) -> str:
    """Where a container sees the folder of the model's versions."""
    return f"/models/{model_name}"


def fill(template: str, model_name: str, **values: object) -> str:
    """Fills a template in with what several files say.

    Args:
        template: Text with names in braces.
        model_name: The name under which clients ask for the model.
        **values: Values of the template's other names.

    Returns:
        The file's text.
    """
    return template.format(
        version=SERVER_VERSION,
        grpc=GRPC_PORT,
        rest=REST_PORT,
        models_config=MODELS_CONFIG,
        batching_config=BATCHING_CONFIG,
        kept=KEPT,
        model_name=model_name,
        mount=mount_path(model_name),
        **values,
    )


def models_config(model_name: str) -> str:
    """Gives the text of a ModelServerConfig with one model."""
    return fill(_MODELS, model_name)


def batching_config(model_name: str, max_batch_size: int) -> str:
    """Gives the text of BatchingParameters.

    Args:
        model_name: The name under which clients ask for the model.
        max_batch_size: Clips of the largest batch.

    Returns:
        The message as text. The sizes that a batch is filled up to are the
        powers of two below the largest, and the largest.
    """
    powers = [1 << power for power in range(max_batch_size.bit_length())]
    sizes = [size for size in powers if size < max_batch_size]
    lines = [f"allowed_batch_sizes: {x}" for x in (*sizes, max_batch_size)]
    return fill(
        _BATCHING,
        model_name,
        max_batch_size=max_batch_size,
        allowed_batch_sizes="\n".join(lines),
    )


COMPOSE_FILE = "docker-compose.yml"

_COMPOSE = """\
# Serves {model_name} by Docker Compose 2, from this folder:
#
#   docker compose up --detach
#   curl http://localhost:{rest}/v1/models/{model_name}
#
# Written for TensorFlow Serving {version}. A server runs the models of its own
# version of TensorFlow and of earlier ones. The image is for x86-64.
# {kept}
services:
  "{service}":
    image: "{image}"
    command:
      - "--model_config_file={mount}/{models_config}"
      # More clips/s, but a refused request takes along those that were merged
      # with it, and predict_frames is refused:
      # - "--enable_batching=true"
      # - "--batching_parameters_file={mount}/{batching_config}"
    ports:
      # To this machine alone: the server asks nobody who they are.
      - "127.0.0.1:{grpc}:{grpc}" # gRPC
      - "127.0.0.1:{rest}:{rest}" # REST
    volumes:
      - type: "bind"
        source: "."
        target: "{mount}"
        read_only: true
    # Nobody: this folder must be readable by all users.
    user: "65534:65534"
    read_only: true
    tmpfs:
      - "/tmp"
    cap_drop:
      - "ALL"
    security_opt:
      - "no-new-privileges:true"
    restart: "unless-stopped"
    healthcheck:
      # The image has no curl, no wget and no Python; its bash opens sockets.
      # Nothing listens before a version is loaded and warm, and this address
      # gives 404 where none is.
      test:
        - "CMD"
        - "bash"
        - "-c"
        - |
          exec 3<>/dev/tcp/127.0.0.1/{rest} || exit 1
          printf 'GET %s HTTP/1.1\\r\\nHost: localhost\\r\\n' \\
            /v1/models/{model_name}/metadata >&3
          printf 'Connection: close\\r\\n\\r\\n' >&3
          read -r status <&3
          [[ $$status == *' 200 '* ]]
      interval: "10s"
      timeout: "5s"
      retries: 3
      start_period: "10m"
"""


def compose_file(model_name: str, service: str, image: str) -> str:
    """Gives a Compose file of one server.

    Args:
        model_name: The name under which clients ask for the model.
        service: The service's name.
        image: The container's image, with its tag.

    Returns:
        YAML.
    """
    return fill(_COMPOSE, model_name, service=service, image=image)


KUBERNETES_FILE = "kubernetes.yaml"

_KUBERNETES = """\
# Serves {model_name} in a Kubernetes cluster, 1.20 or later:
#
#   kubectl apply --filename {kubernetes_file}
#   kubectl port-forward service/{service} {rest}:{rest}
#   curl http://localhost:{rest}/v1/models/{model_name}
#
# The claim's volume is empty at first. Copy what this folder holds to its top,
# readable by all users, from any pod that mounts it for writing. A running
# server takes a folder as soon as its name is a number: copy a version under
# another name and rename it when it is complete.
#
# Written for TensorFlow Serving {version}. A server runs the models of its own
# version of TensorFlow and of earlier ones. The image is for x86-64.
# {kept}
apiVersion: "v1"
kind: "PersistentVolumeClaim"
metadata:
  name: "{service}-model"
spec:
  # Replicas on several nodes need ReadOnlyMany or ReadWriteMany, which not
  # every storage class has.
  accessModes:
    - "ReadWriteOnce"
  resources:
    requests:
      storage: "1Gi"
---
apiVersion: "v1"
kind: "Service"
metadata:
  name: "{service}"
spec:
  selector:
    app: "{service}"
  ports:
    - name: "grpc"
      port: {grpc}
      targetPort: "grpc"
    - name: "rest"
      port: {rest}
      targetPort: "rest"
---
apiVersion: "apps/v1"
kind: "Deployment"
metadata:
  name: "{service}"
spec:
  replicas: 1
  selector:
    matchLabels:
      app: "{service}"
  template:
    metadata:
      labels:
        app: "{service}"
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        seccompProfile:
          type: "RuntimeDefault"
      containers:
        - name: "tensorflow-serving"
          image: "{image}"
          args:
            - "--model_config_file={mount}/{models_config}"
            # More clips/s, but a refused request takes along those that were
            # merged with it, and predict_frames is refused:
            # - "--enable_batching=true"
            # - "--batching_parameters_file={mount}/{batching_config}"
          ports:
            - name: "grpc"
              containerPort: {grpc}
            - name: "rest"
              containerPort: {rest}
          # Nothing listens before the first version is loaded and warm. The
          # server tries five times more, a minute apart, then exits.
          startupProbe:
            httpGet:
              path: "/v1/models/{model_name}"
              port: "rest"
            periodSeconds: 5
            failureThreshold: 120
          # 404 where no version is loaded.
          readinessProbe:
            httpGet:
              path: "/v1/models/{model_name}/metadata"
              port: "rest"
            periodSeconds: 5
            timeoutSeconds: 5
          # 200 from a server that answers, even where a later version failed
          # to load: the earlier one is then still served.
          livenessProbe:
            httpGet:
              path: "/v1/models/{model_name}"
              port: "rest"
            periodSeconds: 10
            timeoutSeconds: 10
            failureThreshold: 6
          # No limit of CPUs: the server starts a thread for each CPU of the
          # node, and a limit would stop them in turn.
          resources:
            requests:
              cpu: "1"
              memory: "1Gi"
            limits:
              memory: "4Gi"
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - "ALL"
          volumeMounts:
            - name: "model"
              mountPath: "{mount}"
              readOnly: true
            - name: "tmp"
              mountPath: "/tmp"
      volumes:
        - name: "model"
          persistentVolumeClaim:
            claimName: "{service}-model"
        - name: "tmp"
          emptyDir:
            sizeLimit: "64Mi"
"""


def kubernetes_file(model_name: str, service: str, image: str) -> str:
    """Gives a Deployment, its Service and the claim of its volume.

    Args:
        model_name: The name under which clients ask for the model.
        service: The name of Deployment and Service.
        image: The container's image, with its tag.

    Returns:
        YAML of three documents.
    """
    return fill(
        _KUBERNETES,
        model_name,
        service=service,
        image=image,
        kubernetes_file=KUBERNETES_FILE,
    )


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
