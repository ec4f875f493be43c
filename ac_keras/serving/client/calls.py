"""Calls of a client: several at a time, with retries and explained errors."""

import collections
import concurrent.futures
import dataclasses
import functools
import math
import random
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

from ac_keras.serving.client.errors import StatusError
from ac_keras.serving.client.errors import explain
from ac_keras.serving.client.grpc_transport import GrpcTransport
from ac_keras.serving.client.messages import Batch
from ac_keras.serving.client.messages import Prediction
from ac_keras.serving.client.messages import ServedSignature
from ac_keras.serving.client.messages import split_outputs
from ac_keras.serving.client.rest_transport import RestTransport

PROTOCOLS = ("grpc", "rest")
FIRST_PAUSE = 0.05  # seconds
LONGEST_PAUSE = 2.0
_TRANSPORTS = {"grpc": GrpcTransport, "rest": RestTransport}

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class ClientSettings:
    """The settings of a `Client`; ValueError if one is out of range."""

    address: str
    model: str
    version: int | None
    protocol: str
    timeout: float
    batch_size: int
    max_in_flight: int

    def __post_init__(self):
        checks = {
            "address": (
                "host:port",
                self.address
                and not ("://" in self.address and self.protocol == "grpc"),
            ),
            "model": ("the name of a model", bool(self.model)),
            "version": (
                "a number or None",
                self.version is None or self.version >= 0,
            ),
            "protocol": (f"one of {PROTOCOLS}", self.protocol in PROTOCOLS),
            "timeout": (
                "seconds above 0",
                self.timeout > 0 and math.isfinite(self.timeout),
            ),
            "batch_size": ("1 or more", self.batch_size >= 1),
            "max_in_flight": ("1 or more", self.max_in_flight >= 1),
        }
        for name, (expected, passed) in checks.items():
            if not passed:
                raise ValueError(
                    f"Client expects {name} as {expected}. Received: "
                    f"{name}={getattr(self, name)!r}. Change it."
                )

    def __str__(self) -> str:
        version = "" if self.version is None else f", version {self.version},"
        return f"model {self.model!r}{version} at {self.address}"


class ServerCalls:
    """The calls of a `Client` to its server."""

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
        """Returns a signature; asks the server for them at the first call.

        Raises:
            ServerError: If the server does not answer.
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

        Each batch is one request. `encode` converts its clips to inputs; None
        sends the clips, which are examples, to the Classify API.
        """
        ask = functools.partial(self._ask, spec, encode)
        for predictions in answers_in_order(
            self._executor, ask, batches, self._settings.max_in_flight
        ):
            yield from predictions

    def read_signatures(self) -> dict[str, ServedSignature]:
        """Asks the server for the signatures and caches them."""
        self._signatures = self._call(
            "list its signatures", self._transport.read_signatures
        )
        return dict(self._signatures)

    def read_states(self) -> dict[int, str]:
        """Asks the server for the state of each version."""
        return self._call("report its state", self._transport.read_states)

    def wait_until_ready(self, timeout: float) -> None:
        """Asks for the states until one is AVAILABLE."""

        def ask(seconds):
            try:
                states = self._transport.read_states(seconds)
            except StatusError as error:
                if error.code == "NOT_FOUND":  # not yet
                    raise StatusError("UNAVAILABLE", error.details) from error
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
        # Encodes in the request's own thread, once for all attempts.
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


def answers_in_order(
    executor: concurrent.futures.Executor,
    ask: Callable[[Item], Answer],
    items: Iterable[Item],
    max_in_flight: int,
) -> Iterator[Answer]:
    """Asks for every item in parallel, and yields the answers in order.

    Items may be endless: at most `max_in_flight` requests run or wait for their
    answer to be yielded. An error of `ask` or of the items is raised after the
    answers to the items before it.
    """
    pending = collections.deque()
    futures = _submit(executor, ask, items)
    try:
        while True:
            for future in futures:
                pending.append(future)
                # Items may come slowly: do not delay an answer for them.
                if len(pending) == max_in_flight or pending[0].done():
                    break
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _submit(executor, ask, items):
    """Yields a future for each item, and one for an error of the items."""
    items = iter(items)
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except Exception as error:  # raised when its turn comes
            failed = concurrent.futures.Future()
            failed.set_exception(error)
            yield failed
            return
        yield executor.submit(ask, item)


def call_with_retries(
    call: Callable[[float], Answer], timeout: float, stopped: threading.Event
) -> Answer:
    """Calls again as long as the server is unavailable.

    Pauses between attempts double and are randomized, so that many clients do
    not return at the same moment. `call` takes the remaining seconds of the
    timeout, which is for all attempts and pauses together.

    Raises:
        StatusError: UNAVAILABLE, if the next attempt would exceed the
            timeout or `stopped` is set; every other status at once.
    """
    end = time.monotonic() + timeout
    longest, unavailable = FIRST_PAUSE, None
    while True:
        seconds = max(end - time.monotonic(), 0.001)
        try:
            return call(seconds)
        except StatusError as error:
            if error.code == "UNAVAILABLE":
                unavailable = error
            elif unavailable and _came_late(error, seconds, timeout):
                raise unavailable from None
            else:
                raise
        pause = longest * random.uniform(0.5, 1)
        if time.monotonic() + pause >= end or stopped.wait(pause):
            raise unavailable
        longest = min(2 * longest, LONGEST_PAUSE)


def _came_late(error, seconds, timeout):
    """Returns whether earlier attempts left too little time for this one."""
    return error.code == "DEADLINE_EXCEEDED" and seconds < timeout / 2
