"""A sound put together from what a file's decoder gives."""

import numpy as np

from ac_keras.extraction.media_container import import_av

# Of the integers that decoders give; 24 bits come in the upper ones of 32.
FULL_SCALE = {"u1": 2**7, "i2": 2**15, "i4": 2**31}
TOLERANCE = 0.1  # seconds; containers round times, and clocks drift
# Channels apart from each other of which PyAV 18 reads more than there are: it
# looks for an end that a frame of 8 or more has not, and may crash.
UNSAFE_PLANES = 8
# Seconds in a whole sound. More is a broken clock, and would fill the memory.
MOST_SILENCE = 600.0


class SoundTrack:
    """Resamples pieces of sound and joins them by their times.

    Silence stands where the times leave a gap. Where they go back, or leap
    ahead by more than `MOST_SILENCE`, they are not believed and the next
    piece follows at once.

    Args:
        sample_rate: Of the result, in Hz.
        start: Where the result begins if no piece is earlier, in seconds;
            None for the first piece.
    """

    def __init__(self, sample_rate: int, start: float | None = None):
        self.num_broken = 0  # samples that were no finite numbers
        self._sample_rate = sample_rate
        self._start = start
        self._first = None  # seconds, where the first piece begins
        self._next = None  # seconds, where the next one should
        self._silence_left = MOST_SILENCE
        self._rate = None
        self._resampler = None
        self._pieces = []

    @property
    def start(self) -> float:
        """Where the result begins, in seconds from the given start; <= 0."""
        if self._start is None or self._first is None:
            return 0.0
        return min(0.0, self._first - self._start)

    @property
    def seconds(self) -> float:
        """From the first piece's begin to the last one's end."""
        return 0.0 if self._first is None else self._next - self._first

    def append(
        self, samples: np.ndarray, rate: int, time: float | None
    ) -> None:
        """Adds a piece.

        Args:
            samples: float32 `(num_samples,)`, one channel.
            rate: Their rate in Hz; it may change from piece to piece.
            time: When the file shows them, in seconds; None is where the
                last piece ends.
        """
        self._move_to(time)
        if rate != self._rate:
            self._flush()
            self._rate = rate
        finite = np.isfinite(samples)
        self.num_broken += len(samples) - int(finite.sum())
        self._resample(np.where(finite, samples, np.float32(0)))
        self._next += len(samples) / rate

    def finish(self) -> np.ndarray | None:
        """Gives the sound.

        Returns:
            float32 `(num_samples,)` in [-1, 1], or None where there is none.
        """
        self._flush()
        if not any(map(len, self._pieces)):
            return None
        sound = np.concatenate(self._pieces)
        self._pieces = []
        return np.clip(sound, -1, 1, out=sound)  # filters overshoot

    def _move_to(self, time):
        """Sets the clock to a time, with silence up to there."""
        tolerance = TOLERANCE
        if self._next is None:
            start = (time or 0.0) if self._start is None else self._start
            time = start if time is None else time
            self._first, self._next, tolerance = time, min(start, time), 0.0
        gap = 0.0 if time is None else time - self._next
        if abs(gap) <= tolerance:
            return
        if 0 < gap <= self._silence_left:
            self._flush()
            length = round(gap * self._sample_rate)
            self._pieces.append(np.zeros(length, np.float32))
            self._silence_left -= gap
        self._next = time

    def _resample(self, samples):
        if self._rate == self._sample_rate:
            self._pieces.append(samples)
            return
        av = import_av()

        if self._resampler is None:
            self._resampler = av.AudioResampler(
                format="fltp", layout="mono", rate=self._sample_rate
            )
        frame = av.AudioFrame.from_ndarray(samples[None], "fltp", "mono")
        frame.sample_rate = self._rate
        self._keep(self._resampler.resample(frame))

    def _flush(self):
        """Takes what the resampler still holds: a filter's length."""
        if self._resampler is not None:
            self._keep(self._resampler.resample(None))
        self._resampler = None

    def _keep(self, frames):
        self._pieces += [frame.to_ndarray()[0] for frame in frames]


def mix_channels(frame) -> np.ndarray:
    """Takes the mean of a decoded frame's channels.

    FFmpeg's own mixing to one channel weights them otherwise for integers
    than for floats, where two channels add up to 1.41 times one.

    Args:
        frame: An `av.AudioFrame` of any format and layout.

    Returns:
        float32 `(num_samples,)`; full scale is 1.
    """
    if frame.format.is_planar and len(frame.layout.channels) >= UNSAFE_PLANES:
        frame = _pack(frame)
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(frame.samples, -1).T
    scale = FULL_SCALE.get(samples.dtype.str[1:], 1)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite floats
        mean = samples.mean(axis=0, dtype=np.float32)
    if samples.dtype == np.uint8:
        mean -= scale
    return mean / np.float32(scale)


def _pack(frame):
    """Puts a frame's channels side by side, sample by sample."""
    av = import_av()

    packed = av.AudioResampler(format=frame.format.packed.name).resample(frame)
    return packed[0]
