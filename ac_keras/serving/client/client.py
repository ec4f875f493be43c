"""Client of a model server."""

import collections
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.serving.client import messages
from ac_keras.serving.client.calls import ClientSettings
from ac_keras.serving.client.calls import ServerCalls
from ac_keras.serving.client.messages import Prediction
from ac_keras.serving.client.messages import ServedSignature

_SIGNATURE = "serving_default"


class Client:
    """A connection to a model server, for clips of any length.

    Clips are sent in batches, several at a time, and predictions are returned
    in the order of the clips. A request is repeated only while the server is
    unavailable, until its timeout.

        with serving.Client("localhost:8500", "kinetics") as client:
            client.wait_until_ready(60)
            for prediction in client.predict({"rgb": x} for x in frames):
                print(prediction.classes[0], prediction.scores[0])

    Methods that call the server raise `ServerError`, a `RuntimeError`, if it
    rejects the request or is unreachable.

    Args:
        address: `host:port`; with REST also a URL.
        model: Name of the served model.
        version: Version of the model; None takes the server's default.
        protocol: `"grpc"`, which needs `ac-keras[serving]`, or `"rest"`.
        timeout: Seconds for a request with all its attempts.
        batch_size: Number of clips in a request.
        max_in_flight: Largest number of requests at a time. At most
            `max_in_flight * batch_size` clips are held.
        credentials: With gRPC, `grpc.ChannelCredentials`; None does not
            encrypt. With REST, where `https://` in the address encrypts, the
            path of the certificates to trust; None trusts the usual ones.

    Raises:
        ImportError: If `protocol` is `"grpc"` and gRPC is not installed.
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        protocol: str = "grpc",
        timeout: float = 60.0,
        batch_size: int = 64,
        max_in_flight: int = 4,
        credentials: Any = None,
    ):
        settings = ClientSettings(
            address,
            model,
            version,
            protocol,
            timeout,
            batch_size,
            max_in_flight,
        )
        self._batch_size = batch_size
        self._calls = ServerCalls(settings, credentials)

    def predict(
        self,
        clips: Iterable[Mapping[str, Any]],
        signature: str = "serving_default",
    ) -> Iterator[Prediction]:
        """Predicts the classes of clips.

        Args:
            clips: Mappings from modality to frames `(num_frames, dim)` of
                numbers. An absent modality is missing, None or empty. The
                iterable may be endless.
            signature: A signature that takes frames, such as `"attention"`.

        Returns:
            An iterator of one `Prediction` for each clip, in order. It raises
            ValueError for an invalid clip, and `ServerError`, after the
            predictions of the clips before.

        Raises:
            ValueError: If the signature is unknown or takes no frames.
        """
        spec = self._calls.find(signature)
        dims = spec.dims

        def check(clip, index):
            return messages.check_clip(clip, index, dims)

        def encode(batch):
            if not spec.has_counts:
                return batch[0]
            return messages.pad_clips(batch, dims)

        batch_size = self._batch_size if spec.has_counts else 1
        batches = messages.make_batches(clips, check, batch_size)
        return self._calls.stream(spec, batches, encode)

    def predict_examples(
        self, serialized: Iterable[bytes], sequences: bool = False
    ) -> Iterator[Prediction]:
        """Predicts the classes of clips that are serialized records.

        Args:
            serialized: Serialized examples of `encode_clip`.
            sequences: If True, the records are SequenceExamples of YouTube-8M
                or MediaSequence instead.

        Returns:
            As `predict`.

        Raises:
            ValueError: If the model takes no such records.
        """
        name = "from_sequence_examples" if sequences else "from_examples"
        spec = self._calls.find(name)
        encode = messages.record_encoder(spec)
        batches = messages.make_batches(
            serialized, messages.check_record, self._batch_size
        )
        return self._calls.stream(spec, batches, encode)

    def classify(self, serialized: Iterable[bytes]) -> Iterator[Prediction]:
        """Predicts the classes of records with the server's Classify API.

        Args:
            serialized: Serialized examples of `encode_clip`.

        Returns:
            As `predict`, without probabilities of all classes.

        Raises:
            ValueError: If the model has no signature `classify`.
        """
        spec = self._calls.find("classify")
        batches = messages.make_batches(
            serialized, messages.parse_example, self._batch_size
        )
        return self._calls.stream(spec, batches)

    def metadata(self) -> dict[str, ServedSignature]:
        """Asks the server for the signatures of the model.

        The other methods ask once and cache the answer.

        Returns:
            The signatures by name.
        """
        return self._calls.read_signatures()

    def status(self) -> dict[int, str]:
        """Asks for the state of each version, such as `"AVAILABLE"`."""
        return self._calls.read_states()

    def wait_until_ready(self, timeout: float) -> None:
        """Waits until a version is available.

        Args:
            timeout: Largest number of seconds to wait; after it the method
                raises `ServerError`.
        """
        self._calls.wait_until_ready(timeout)

    def close(self) -> None:
        """Closes the connection.

        Cancels running requests with gRPC; waits for them with REST.
        """
        self._calls.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def predict_split(
    client: Client,
    manifest: Manifest,
    split: str,
    *,
    batch_size: int = 64,
    sample_size: int = 0,
    num_clips: int | None = None,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Sends a split's clips to a server, as evaluation reads them.

    Args:
        client: Client of a model with the dataset's modalities and classes.
        manifest: The dataset.
        split: Name of the split.
        batch_size: Number of clips to read at a time.
        sample_size: Number of frames taken at equal intervals from each clip
            and modality; 0 takes all.
        num_clips: Number of clips to send, from the first; None sends all.

    Yields:
        For each clip, in the split's order, its id, its labels as
        `evaluation_batches` returns them, and float32 probabilities
        `(num_classes,)`.

    Raises:
        ServerError: If the server rejects a request or is unreachable.
        ValueError: If the model does not match the dataset.
    """
    signature = client.metadata().get(_SIGNATURE)
    if signature is None:
        raise ValueError(
            f"Expected a model with the signature {_SIGNATURE!r}. Received: "
            "a model without it. Export the model with export_saved_model."
        )
    dims = signature.dims
    known = collections.deque()

    def read():
        for features, labels, ids in evaluation_batches(
            manifest,
            split,
            batch_size=batch_size,
            sample_size=sample_size,
            modalities=list(dims),
            with_ids=True,
        ).as_numpy_iterator():
            counts = {name: features[f"{name}_num_frames"] for name in dims}
            for row, clip_id in enumerate(ids):
                known.append((clip_id.decode(), labels[row]))
                yield {
                    name: features[name][row, : counts[name][row]]
                    for name in dims
                }

    names = manifest.description.class_names
    for prediction in client.predict(
        itertools.islice(read(), num_clips), _SIGNATURE
    ):
        _check_classes(prediction, names)
        yield *known.popleft(), prediction.probabilities


def _check_classes(prediction, names):
    """Raises ValueError if the server's classes are not the dataset's."""
    probabilities = prediction.probabilities
    best = None
    if probabilities is not None and len(probabilities) == len(names):
        best = names[int(np.argmax(probabilities))]
    if best != prediction.classes[0]:
        num_classes = None if probabilities is None else len(probabilities)
        raise ValueError(
            f"Expected a model of the dataset's {len(names)} classes. "
            f"Received: probabilities of {num_classes} classes, the best of "
            f"which is {prediction.classes[0]!r} there and {best!r} here. "
            "Choose the model that was trained on this dataset."
        )
