"""Reads what write_deployment wrote."""

import re

import yaml
from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
from google.protobuf import text_format
from google.protobuf import wrappers_pb2

FILES = [
    "batching.config",
    "docker-compose.yml",
    "kubernetes.yaml",
    "models.config",
]
# The fields of TensorFlow Serving's BatchingParameters: no package has the
# message itself.
WRAPPED = {
    "max_batch_size": (1, "Int64Value"),
    "batch_timeout_micros": (2, "Int64Value"),
    "max_enqueued_batches": (3, "Int64Value"),
    "num_batch_threads": (4, "Int64Value"),
    "thread_pool_name": (5, "StringValue"),
    "enable_large_batch_splitting": (8, "BoolValue"),
    "max_execution_batch_size": (9, "Int64Value"),
}


def batching_parameters():
    """An empty message with the fields of BatchingParameters."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="batching_parameters.proto",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="BatchingParameters")
    for name, (number, kind) in WRAPPED.items():
        message.field.add(
            name=name,
            number=number,
            label=field.LABEL_OPTIONAL,
            type=field.TYPE_MESSAGE,
            type_name=f".google.protobuf.{kind}",
        )
    message.field.add(
        name="allowed_batch_sizes",
        number=6,
        label=field.LABEL_REPEATED,
        type=field.TYPE_INT64,
    )
    message.field.add(
        name="pad_variable_length_inputs",
        number=7,
        label=field.LABEL_OPTIONAL,
        type=field.TYPE_BOOL,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("BatchingParameters")
    return message_factory.GetMessageClass(descriptor)()


def read_batching(folder):
    text = (folder / "batching.config").read_text()
    return text_format.Parse(text, batching_parameters())


def read_compose(folder):
    """The one service of docker-compose.yml, and its name."""
    text = (folder / "docker-compose.yml").read_text()
    ((name, service),) = yaml.safe_load(text)["services"].items()
    return name, service


def read_kubernetes(folder):
    """The documents of kubernetes.yaml by kind."""
    documents = yaml.safe_load_all((folder / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def with_batching(text):
    """Takes the comment signs off the batching flags."""
    return re.sub(r"# (- \"--)", r"\1", text)
