"""What an extraction shows while it goes."""

import sys

import tqdm

from ac_keras.extraction.shard_job import ClipEvent

LOG_SECONDS = 30.0  # between two lines where there is no terminal


class ExtractionProgress:
    """A bar over clips, with clips a second, time left and clips left out.

    Args:
        num_clips: Clips of the dataset.
        done: Those whose shards were there before.
    """

    def __init__(self, num_clips: int, done: int):
        self._events = {}
        self._bar = tqdm.tqdm(
            total=num_clips,
            initial=done,
            desc="Extracting",
            unit="clip",
            mininterval=0.1 if sys.stderr.isatty() else LOG_SECONDS,
        )

    def __enter__(self) -> "ExtractionProgress":
        return self

    def __exit__(self, *exception):
        self._bar.close()

    @property
    def num_clips(self) -> int:
        """Clips that were done in this run, those left out among them."""
        return sum(event.number for event in self._events.values())

    @property
    def num_skipped(self) -> int:
        """How many of them were left out."""
        return sum(event.skipped for event in self._events.values())

    def hear(self, event: ClipEvent) -> None:
        """Counts a clip, or takes back those of a shard that begins anew."""
        before = self._events.get(event.key)
        self._events[event.key] = event
        if self.num_skipped:
            text = f"{self.num_skipped:,} left out"
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(event.number - (before.number if before else 0))
