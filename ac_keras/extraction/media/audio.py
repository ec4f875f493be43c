"""The sound of a media file, as one channel at one rate."""

import dataclasses
import os
import warnings
from collections.abc import Iterator

import numpy as np

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import find_video
from ac_keras.extraction.media.container import import_av
from ac_keras.extraction.media.container import open_media

# Hz. What lies outside is a broken header; its samples would become millions.
RATES = range(1000, 1_000_001)


class PacketReader:
    """Decodes a track packet by packet, leaving out what does not decode.

    Args:
        container: An open `av` container.
        stream: Its stream.
    """

    def __init__(self, container, stream):
        self._container, self._stream = container, stream
        self._num_packets = self._num_bad = self._num_odd = 0
        self._end = ""

    def decode(self) -> Iterator:
        """Yields the frames that decode, each an `av.AudioFrame`."""
        for packet in self._packets():
            for frame in self._frames(packet):
                if frame.sample_rate in RATES:
                    yield frame
                else:
                    self._num_odd += 1

    def damage(self) -> list[str]:
        """Tells what was left out so far, in words."""
        words = []
        if self._num_bad:
            bad, count = self._num_bad, self._num_packets
            words.append(f"{bad} of {count} packets do not decode")
        if self._num_odd:
            words.append(f"{self._num_odd} frames have an impossible rate")
        return words + [self._end] * bool(self._end)

    def _packets(self):
        av = import_av()

        while True:
            try:
                yield from self._container.demux(self._stream)
                return
            except IndexError:
                pass  # PyAV's end of a file in which a track began midway
            except av.FFmpegError as error:
                self._end = f"reading ends with {error}"
                yield None  # the decoder gives what it still holds
                return

    def _frames(self, packet):
        av = import_av()

        full = packet is not None and packet.size > 0
        self._num_packets += full
        try:
            frames = self._stream.decode(packet)
        except av.FFmpegError:
            self._num_bad += full
            return []
        self._num_bad += full and packet.is_corrupt
        return frames


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


SAMPLE_RATE = 16000
# Without an index their length is guessed from the first packets' bit rate.
GUESSED_LENGTH = {"aac", "mp3"}
MARGIN = 0.25  # second by which a track may be shorter than it says
MICROSECONDS = 1e6  # a second, by FFmpeg's clock of a whole file


class SoundWarning(UserWarning):
    """A sound track of which a part is lost."""


@dataclasses.dataclass(frozen=True)
class Sound:
    """What a media file lets hear.

    Attributes:
        samples: float32 `(num_samples,)` in [-1, 1], or None without a
            sound track or with an empty one.
        damage: What of the track is lost, in words; empty for nothing.
        start: Seconds from the first picture to the first sample: 0, or
            negative where the sound is earlier.
    """

    samples: np.ndarray | None
    damage: str = ""
    start: float = 0.0


def read_sound(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE
) -> np.ndarray | None:
    """Reads the sound of a media file.

    As `decode_sound`, but it warns of damage.

    Args:
        path: A file with picture, sound or both.
        sample_rate: Of the result, in Hz.

    Returns:
        float32 `(num_samples,)` in [-1, 1], or None without sound.

    Raises:
        ImportError: If the extra `media` is not installed.
        MediaError: If the file cannot be opened as media.
        ValueError: If `sample_rate` is none.
    """
    sound = decode_sound(path, sample_rate)
    if sound.damage:
        message = f"The sound of {os.fspath(path)} is damaged: {sound.damage}."
        warnings.warn(message, SoundWarning, stacklevel=2)
    return sound.samples


def decode_sound(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE
) -> Sound:
    """Decodes the sound of a media file, and says what of it is lost.

    Of several sound tracks it is the one that FFmpeg holds for the best. Its
    channels are averaged, whatever their number.

    The sound begins where a player begins: with the first picture or the
    first sound, whichever is earlier. A later sound has silence before it, as
    has a gap in the middle; nothing is cut. What an encoder put before or
    behind the sound is left out where the file tells of it, as mp4 does of
    the first 1024 samples of AAC; else it stays, some 20 to 60 ms.

    A track that breaks in the middle gives what decodes.

    Args:
        path: A file with picture, sound or both.
        sample_rate: Of the result, in Hz.

    Returns:
        The sound.

    Raises:
        ImportError: If the extra `media` is not installed.
        MediaError: If the file cannot be opened as media.
        ValueError: If `sample_rate` is none.
    """
    if sample_rate not in RATES:
        raise ValueError(
            f"Expected sample_rate of {RATES.start} to {RATES.stop - 1} Hz. "
            f"Received: sample_rate={sample_rate!r}. Log-mel patches take "
            f"{SAMPLE_RATE}."
        )
    with open_media(path) as container:
        if not container.streams.audio and not container.streams.video:
            raise MediaError(
                "Expected a media file with picture or sound. Received: "
                f"path={os.fsdecode(path)!r} of format "
                f"{container.format.name!r} with neither. Leave it out."
            )
        stream = container.streams.best("audio")
        if stream is None:
            return Sound(None)
        if stream.codec_context is None:
            return Sound(None, "FFmpeg has no decoder for it")
        track = SoundTrack(sample_rate, _picture_start(container))
        packets = PacketReader(container, stream)
        for frame in packets.decode():
            track.append(mix_channels(frame), frame.sample_rate, frame.time)
        damage = packets.damage()
        stated = _stated_seconds(container, stream)
    if stated - track.seconds > MARGIN:
        damage.append(f"{track.seconds:.2f} of {stated:.2f} s are there")
    if track.num_broken:
        damage.append(f"{track.num_broken} samples are not finite")
    return Sound(track.finish(), ", ".join(damage), track.start)


def _picture_start(container):
    """Seconds at which the first picture is shown, None without one."""
    stream = find_video(container)
    if stream is None or stream.start_time is None:
        return None
    return float(stream.start_time * stream.time_base)


def _stated_seconds(container, stream):
    """How long a track is by its file's account, 0 where it has none."""
    if set(container.format.name.split(",")) & GUESSED_LENGTH:
        return 0.0
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.streams.video or container.duration is None:
        return 0.0
    # Matroska states where a file ends, by the clock of its first packet.
    start = container.start_time or 0
    return (container.duration - max(0, start)) / MICROSECONDS
