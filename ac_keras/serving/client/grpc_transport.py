"""Calls of a model server over gRPC."""

import types
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ac_keras.serving.client.errors import StatusError
from ac_keras.serving.client.messages import ServedSignature
from ac_keras.serving.client.messages import read_signatures
from ac_keras.utils.optional_imports import import_optional

_APIS = "tensorflow_serving.apis"
_OPTIONS = [
    ("grpc.max_send_message_length", -1),  # else 4 MiB
    ("grpc.max_receive_message_length", -1),
    # An error may quote a record; it arrives as metadata, limited to 8 KiB.
    ("grpc.max_metadata_size", 2**24),
    ("grpc.absolute_max_metadata_size", 2**25),
    ("grpc.enable_retries", 0),  # the client has its own
    # Shorter than the client's pauses, to find a restarted server. Not
    # min_reconnect_backoff_ms, which limits the time of a connection attempt.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport:
    """A gRPC channel to a server, `host:port`.

    Args:
        address: `host:port`.
        model: The model's name.
        version: Its version; None takes the newest.
        credentials: `grpc.ChannelCredentials`; None does not encrypt.

    Raises:
        ImportError: If tensorflow-serving-api is not installed.
        ValueError: If the credentials have another type.
    """

    def __init__(
        self, address: str, model: str, version: int | None, credentials: Any
    ):
        self._apis = _import_apis()
        grpc = self._apis.grpc
        if credentials is None:
            self._channel = grpc.insecure_channel(address, _OPTIONS)
        elif isinstance(credentials, grpc.ChannelCredentials):
            self._channel = grpc.secure_channel(address, credentials, _OPTIONS)
        else:
            raise ValueError(
                "Client expects grpc.ChannelCredentials with protocol='grpc'. "
                f"Received: credentials={credentials!r}. Make them with "
                "grpc.ssl_channel_credentials()."
            )
        self._spec = {"name": model}
        if version is not None:
            self._spec["version"] = {"value": version}
        self._predictions = self._apis.predictions_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = self._apis.models_grpc.ModelServiceStub(self._channel)

    def predict(
        self,
        signature: ServedSignature,
        inputs: Mapping[str, np.ndarray],
        timeout: float,
    ) -> dict[str, np.ndarray]:
        """Calls a signature once; returns strings as bytes."""
        request = self._apis.predict.PredictRequest(
            model_spec={**self._spec, "signature_name": signature.name},
            inputs={
                name: tf.make_tensor_proto(x, signature.inputs[name].dtype)
                for name, x in inputs.items()
            },
        )
        response = self._call(self._predictions.Predict, request, timeout)
        return {
            name: tf.make_ndarray(x) for name, x in response.outputs.items()
        }

    def classify(
        self,
        signature: ServedSignature,
        examples: Sequence[tf.train.Example],
        timeout: float,
    ) -> dict[str, np.ndarray]:
        """Returns `classes` and `scores`, each `(batch, top_k)`."""
        request = self._apis.classification.ClassificationRequest(
            model_spec={**self._spec, "signature_name": signature.name},
            input={"example_list": {"examples": examples}},
        )
        response = self._call(self._predictions.Classify, request, timeout)
        rows = [x.classes for x in response.result.classifications]
        classes = [[x.label for x in row] for row in rows]
        scores = [[x.score for x in row] for row in rows]
        return {
            "classes": np.array(classes, object),
            "scores": np.array(scores, np.float32),
        }

    def read_signatures(self, timeout: float) -> dict[str, ServedSignature]:
        """Returns the model's signatures by name."""
        request = self._apis.metadata.GetModelMetadataRequest(
            model_spec=self._spec, metadata_field=["signature_def"]
        )
        response = self._call(
            self._predictions.GetModelMetadata, request, timeout
        )
        signatures = self._apis.metadata.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return read_signatures(signatures.signature_def)

    def read_states(self, timeout: float) -> dict[int, str]:
        """Returns the state of the version, or of all, by number."""
        request = self._apis.status.GetModelStatusRequest(model_spec=self._spec)
        response = self._call(self._models.GetModelStatus, request, timeout)
        state_name = self._apis.status.ModelVersionStatus.State.Name
        return {
            x.version: state_name(x.state)
            for x in response.model_version_status
        }

    def close(self) -> None:
        """Ends the connection and every call on it."""
        self._channel.close()

    def _call(self, method, request, timeout):
        try:
            return method(request, timeout=timeout)
        except self._apis.grpc.RpcError as error:
            details = error.details() or ""
            raise StatusError(error.code().name, details) from error


def _import_apis():
    def load(name):
        return import_optional(name, "serving", ", or choose protocol='rest'")

    return types.SimpleNamespace(
        grpc=load("grpc"),
        classification=load(f"{_APIS}.classification_pb2"),
        metadata=load(f"{_APIS}.get_model_metadata_pb2"),
        models_grpc=load(f"{_APIS}.model_service_pb2_grpc"),
        predict=load(f"{_APIS}.predict_pb2"),
        predictions_grpc=load(f"{_APIS}.prediction_service_pb2_grpc"),
        status=load(f"{_APIS}.get_model_status_pb2"),
    )
