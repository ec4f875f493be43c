"""Being asked to stop."""

import signal


class StopSignal:
    """Notes SIGTERM and the first Ctrl-C while its block runs.

    The run then saves where it is and ends. A second Ctrl-C ends it at once.

    Attributes:
        received: The signal's name, or None.
    """

    def __init__(self):
        self.received = None

    def __enter__(self) -> "StopSignal":
        """Starts to listen."""
        self._before = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *exception):
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        if self.received and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name
