"""What starts TensorFlow Serving by Docker Compose."""

from ac_keras.serving.deployment.server_config import fill

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
