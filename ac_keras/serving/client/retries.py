"""Calling a server again that is not there for a moment."""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from ac_keras.serving.client.server_errors import StatusError

FIRST_PAUSE = 0.05  # seconds
LONGEST_PAUSE = 2.0
Answer = TypeVar("Answer")


def call_with_retries(
    call: Callable[[float], Answer], timeout: float, stopped: threading.Event
) -> Answer:
    """Calls until there is an answer, as long as the server is unavailable.

    The pauses in between double and are randomised, so that many clients do
    not come back at the same moment.

    Args:
        call: Takes the seconds that are left and gives the answer.
        timeout: Seconds for all attempts and pauses together.
        stopped: Ends a pause, and the attempts with it.

    Returns:
        The answer.

    Raises:
        StatusError: UNAVAILABLE, if the next attempt would come too late;
            every other status at once.
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
    """Tells whether an attempt failed for want of time, spent on others."""
    return error.code == "DEADLINE_EXCEEDED" and seconds < timeout / 2
