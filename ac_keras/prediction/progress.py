"""Progress bar of a run over many files."""

import sys
import time

import tqdm

LOG_SECONDS = 30.0  # between two lines without a terminal


class Progress:
    """Progress bar over bytes, with the numbers of files and clips.

    `done` is the number of files that were done before, and their total size.

    Attributes:
        num_clips: Number of clips predicted so far.
    """

    def __init__(self, num_files: int, num_bytes: int, done: tuple[int, int]):
        self.num_clips = 0
        self._num_files, self._files_done = num_files, done[0]
        self._start = time.monotonic()
        self._seen = 0  # bytes of the current file
        self._bar = tqdm.tqdm(
            total=num_bytes,
            initial=done[1],
            desc="Predicting",
            unit="B",
            unit_scale=True,
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} "
            "[{elapsed}<{remaining}{postfix}]",
            mininterval=0.1 if sys.stderr.isatty() else LOG_SECONDS,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *exception):
        self._bar.close()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def batch(self, num_clips: int, num_bytes: int) -> None:
        """Counts a predicted batch."""
        self.num_clips += num_clips
        self._update(num_bytes)

    def restart_file(self, num_clips: int) -> None:
        """Subtracts the counts of a file that is read again."""
        self.num_clips -= num_clips
        self._update(-self._seen)

    def end_file(self, num_bytes: int) -> None:
        """Counts a completed file, and its bytes outside of batches."""
        self._files_done += 1
        self._update(num_bytes - self._seen)
        self._seen = 0

    def _update(self, num_bytes):
        self._seen += num_bytes
        rate = self.num_clips / max(self.seconds, 1e-9)
        self._bar.set_postfix_str(
            f"{self._files_done}/{self._num_files} files, "
            f"{self.num_clips:,} clips, {rate:,.0f} clips/s",
            refresh=False,
        )
        self._bar.update(num_bytes)
