"""What TensorFlow Serving reads: the text of two of its messages."""

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
