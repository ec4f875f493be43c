"""What a client was told, checked."""

import dataclasses
import math

PROTOCOLS = ("grpc", "rest")


@dataclasses.dataclass(frozen=True)
class ClientSettings:
    """The settings of a `Client`, under the names that it gives them.

    Raises:
        ValueError: If one is out of range.
    """

    address: str
    model: str
    version: int | None
    protocol: str
    timeout: float
    batch_size: int
    max_in_flight: int

    def __post_init__(self):
        checks = {
            "address": ("host:port", self._has_address()),
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

    def _has_address(self):
        is_url = "://" in self.address
        return bool(self.address) and not (self.protocol == "grpc" and is_url)
