"""A client's calls: sent, sent again, explained where they fail."""

import concurrent.futures
import functools
import threading
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from ac_keras.serving.client.client_settings import ClientSettings
from ac_keras.serving.client.clip_batches import Batch
from ac_keras.serving.client.grpc_transport import GrpcTransport
from ac_keras.serving.client.prediction import Prediction
from ac_keras.serving.client.prediction import split_outputs
from ac_keras.serving.client.requests_in_order import answers_in_order
from ac_keras.serving.client.rest_transport import RestTransport
from ac_keras.serving.client.retries import call_with_retries
from ac_keras.serving.client.served_signature import ServedSignature
from ac_keras.serving.client.server_errors import StatusError
from ac_keras.serving.client.server_errors import explain

_TRANSPORTS = {"grpc": GrpcTransport, "rest": RestTransport}


class ServerCalls:
    """What a `Client` asks of its server.

    Args:
        settings: The client's.
        credentials: What the protocol's transport takes.
    """

    def __init__(self, settings: ClientSettings, credentials: Any):
        self._settings = settings
        self._transport = _TRANSPORTS[settings.protocol](
            settings.address, settings.model, settings.version, credentials
        )
        self._executor = concurrent.futures.ThreadPoolExecutor(
            settings.max_in_flight
        )
        self._closed = threading.Event()
        self._signatures = {}

    def find(self, name: str) -> ServedSignature:
        """Gives a signature, of what the server told when first asked.

        Raises:
            ServerError: If the server does not tell.
            ValueError: If the model has no such signature.
        """
        self._check_open()
        if name not in self._signatures:
            self.read_signatures()
        if name not in self._signatures:
            raise ValueError(
                f"Expected a signature of {self._settings} among "
                f"{list(self._signatures)}. Received: {name!r}. Choose one of "
                "them, or export the model with it."
            )
        return self._signatures[name]

    def stream(
        self,
        spec: ServedSignature,
        batches: Iterable[Batch],
        encode: Callable[[list[Any]], Any] | None = None,
    ) -> Iterator[Prediction]:
        """Yields a prediction for each clip of the batches, in order.

        Args:
            spec: The signature to ask.
            batches: What to ask it.
            encode: Turns a batch's clips into inputs; None sends the clips,
                which are examples, to be classified.
        """
        ask = functools.partial(self._ask, spec, encode)
        for predictions in answers_in_order(
            self._executor, ask, batches, self._settings.max_in_flight
        ):
            yield from predictions

    def read_signatures(self) -> dict[str, ServedSignature]:
        """Asks for the signatures and keeps them."""
        self._signatures = self._call(
            "tell its signatures", self._transport.read_signatures
        )
        return dict(self._signatures)

    def read_states(self) -> dict[int, str]:
        """Asks for the versions' states."""
        return self._call("tell its state", self._transport.read_states)

    def wait_until_ready(self, timeout: float) -> None:
        """Asks for the states until one is AVAILABLE."""

        def ask(seconds):
            try:
                states = self._transport.read_states(seconds)
            except StatusError as error:
                if error.code == "NOT_FOUND":  # not yet
                    raise StatusError("UNAVAILABLE", error.said) from error
                raise
            if "AVAILABLE" not in states.values():
                raise StatusError("UNAVAILABLE", f"states {states}")

        self._call("be ready", ask, timeout)

    def close(self) -> None:
        """Ends all requests and connections."""
        self._closed.set()
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._transport.close()
        self._executor.shutdown()

    def _ask(self, spec, encode, batch):
        # Here, in the request's own thread, and once for all attempts.
        inputs = encode(batch.clips) if encode else batch.clips
        send = self._transport.predict if encode else self._transport.classify

        def run(seconds):
            return split_outputs(send(spec, inputs, seconds), batch)

        return self._call(f"answer signature {spec.name!r} for {batch}", run)

    def _call(self, asked, call, timeout=None):
        self._check_open()
        timeout = self._settings.timeout if timeout is None else timeout
        try:
            return call_with_retries(call, timeout, self._closed)
        except StatusError as error:
            raise explain(
                error, f"Expected {self._settings} to {asked}"
            ) from error

    def _check_open(self):
        if self._closed.is_set():
            raise ValueError(
                "Expected an open Client. Received: one of "
                f"{self._settings}, which is closed. Make another one."
            )
