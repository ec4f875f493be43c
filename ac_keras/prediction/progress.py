"""What a run over many files shows while it goes."""

import sys
import time

import tqdm

LOG_SECONDS = 30.0  # between two lines where there is no terminal


class Progress:
    """A bar over the files' bytes, with clips, their rate and files.

    Args:
        num_files: Files to be done.
        num_bytes: Their size.
        done: How many of them were done before, and their size.
    """

    def __init__(self, num_files: int, num_bytes: int, done: tuple[int, int]):
        self.num_clips = 0
        self._num_files, self._files_done = num_files, done[0]
        self._start = time.monotonic()
        self._seen = 0  # bytes of the file that is read
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
        """Since the beginning."""
        return time.monotonic() - self._start

    def batch(self, num_clips: int, num_bytes: int) -> None:
        """Counts a batch that is predicted."""
        self.num_clips += num_clips
        self._update(num_bytes)

    def restart_file(self, num_clips: int) -> None:
        """Takes back what was counted of a file that is read again."""
        self.num_clips -= num_clips
        self._update(-self._seen)

    def end_file(self, num_bytes: int) -> None:
        """Counts a file that is done, and its bytes in no batch."""
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
