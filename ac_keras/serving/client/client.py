"""Asking a model server."""

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


class Client:
    """A connection to a model server, for clips of any lengths.

    Clips go out in batches, several at a time, and what comes back is in
    their order. A request is sent again while the server is unavailable, and
    only then, until its time is over.

        with serving.Client("localhost:8500", "kinetics") as client:
            client.wait_until_ready(60)
            for prediction in client.predict({"rgb": x} for x in frames):
                print(prediction.classes[0], prediction.scores[0])

    Methods that ask the server raise `ServerError`, a `RuntimeError`, if it
    refuses or is not reached.

    Args:
        address: `host:port`; over REST also a URL.
        model: The name that the model is served under.
        version: The model's version; None takes what the server prefers.
        protocol: `"grpc"`, which needs `ac-keras[serving]`, or `"rest"`.
        timeout: Seconds for a request with all its attempts.
        batch_size: Clips in a request.
        max_in_flight: Requests under way at a time. With batches it bounds
            how many clips are held, however many there are.
        credentials: With gRPC `grpc.ChannelCredentials`. With REST, where
            `https://` in the address encrypts, the path of the certificates
            to trust. None takes no encryption, or the usual certificates.

    Raises:
        ImportError: If gRPC is asked for and not installed.
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
        """Names the classes of clips.

        Args:
            clips: Mappings from modality to frames `(num_frames, dim)` of
                numbers. A modality that is absent is missing, None or empty.
                The clips may be endless.
            signature: One that takes frames, such as `"attention"`.

        Returns:
            An iterator of one `Prediction` a clip, in their order. It raises
            ValueError at a clip that cannot be sent, and `ServerError`, both
            after the predictions of the clips before.

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
        """Names the classes of clips that are serialized records.

        Args:
            serialized: Records as `encode_clip` makes them.
            sequences: Whether they are SequenceExamples of YouTube-8M or
                MediaSequence instead.

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
        """Names the classes of records through the server's Classify call.

        Args:
            serialized: Records as `encode_clip` makes them.

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
        """Asks what the model takes and gives.

        The other methods ask once and keep the answer.

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
            timeout: Seconds to wait at most; past them `ServerError`.
        """
        self._calls.wait_until_ready(timeout)

    def close(self) -> None:
        """Ends the connection.

        Requests under way end with it over gRPC; over REST they are waited
        for.
        """
        self._calls.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


_SIGNATURE = "serving_default"


def predict_split(
    client: Client,
    manifest: Manifest,
    split: str,
    *,
    batch_size: int = 64,
    sample_size: int = 0,
    num_clips: int | None = None,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Sends a split's clips to a server, as evaluation would see them.

    Args:
        client: Of a model that was trained on the dataset or one like it.
        manifest: The dataset.
        split: The split's name.
        batch_size: Clips to read at a time.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.
        num_clips: Only so many, from the first on; None takes all.

    Yields:
        For each clip, in the split's order, its id, its labels as
        `evaluation_batches` gives them, and float32 probabilities
        `(num_classes,)`.

    Raises:
        ServerError: If the server refuses or is not reached.
        ValueError: If the model does not fit the dataset.
    """
    signature = client.metadata().get(_SIGNATURE)
    if signature is None:
        raise ValueError(
            f"Expected a model with the signature {_SIGNATURE!r}. Received: "
            "another one. Export the model by export_saved_model."
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
    """Makes sure that the server means the same classes."""
    probabilities = prediction.probabilities
    best = None
    if probabilities is not None and len(probabilities) == len(names):
        best = names[int(np.argmax(probabilities))]
    if best != prediction.classes[0]:
        num_classes = None if probabilities is None else len(probabilities)
        raise ValueError(
            f"Expected a model of the dataset's {len(names)} classes. "
            f"Received: probabilities of {num_classes} classes, the best of "
            f"which is {prediction.classes[0]!r} there and {best!r} here. Name "
            "the model that was trained on this dataset."
        )
