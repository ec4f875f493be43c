"""Audio track of a media file, as one channel at one sample rate."""

import dataclasses
import os
import warnings
from collections.abc import Iterator

import numpy as np

from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import find_video
from ac_keras.extraction.media.container import import_av
from ac_keras.extraction.media.container import open_media

SAMPLE_RATE = 16000  # Hz
# Hz. Other rates come from corrupt headers and would give millions of samples.
RATES = range(1000, 1_000_001)
# Formats without an index: FFmpeg guesses their duration from the bit rate of
# the first packets.
GUESSED_DURATION = {"aac", "mp3"}
MARGIN = 0.25  # seconds by which a track may be shorter than its header states
MICROSECONDS = 1e6  # FFmpeg's clock of a whole file, ticks per second
# Full scale of the integers that decoders return; 24 bits are stored in the
# upper bits of 32.
FULL_SCALE = {"u1": 2**7, "i2": 2**15, "i4": 2**31}
TOLERANCE = 0.1  # seconds; containers round times, and clocks drift
# With 8 or more planar channels, PyAV 18 reads beyond the last one and may
# crash.
UNSAFE_PLANES = 8
# Seconds of inserted silence in a track. More means a corrupt clock and would
# fill the memory.
MAX_SILENCE = 600.0


class AudioWarning(UserWarning):
    """A part of an audio track is lost."""


@dataclasses.dataclass(frozen=True)
class DecodedAudio:
    """Audio of a media file.

    Attributes:
        samples: float32 `(num_samples,)` in [-1, 1], or None if the audio
            track is missing or empty.
        damage: Description of the lost parts of the track; empty if none.
        start: Seconds from the first video frame to the first sample: 0, or
            negative if the audio starts earlier.
    """

    samples: np.ndarray | None
    damage: str = ""
    start: float = 0.0


def read_audio(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE
) -> np.ndarray | None:
    """Reads the audio of a media file; see `decode_audio`.

    A damaged track causes an `AudioWarning`.

    Args:
        path: A file with video, audio or both.
        sample_rate: Sample rate of the result in Hz.

    Returns:
        float32 `(num_samples,)` in [-1, 1], or None without audio.

    Raises:
        ImportError: If the extra `media` is not installed.
        MediaError: If the file cannot be opened as media.
        ValueError: If `sample_rate` is out of range.
    """
    audio = decode_audio(path, sample_rate)
    if audio.damage:
        message = f"The audio of {os.fspath(path)} is damaged: {audio.damage}."
        warnings.warn(message, AudioWarning, stacklevel=2)
    return audio.samples


def decode_audio(
    path: str | os.PathLike, sample_rate: int = SAMPLE_RATE
) -> DecodedAudio:
    """Decodes the audio of a media file and reports its damage.

    Of several audio tracks, FFmpeg's choice of the best is decoded. The result
    is the mean of its channels.

    As in a player, the result starts with the first video frame or the first
    sample, whichever is earlier. Silence fills the time before a later start
    and gaps; nothing is cut. Samples that an encoder added at either end are
    removed if the file marks them, as mp4 does for the first 1024 samples of
    AAC; otherwise some 20 to 60 ms remain.

    All packets that decode are used, also behind a corrupt part. Arguments and
    errors are those of `read_audio`.
    """
    if sample_rate not in RATES:
        raise ValueError(
            f"Expected sample_rate of {RATES.start} to {RATES.stop - 1} Hz. "
            f"Received: sample_rate={sample_rate!r}. Log-mel patches need "
            f"{SAMPLE_RATE}."
        )
    with open_media(path) as container:
        if not container.streams.audio and not container.streams.video:
            raise MediaError(
                "Expected a media file with video or audio. Received: "
                f"path={os.fsdecode(path)!r} of format "
                f"{container.format.name!r} with neither. Leave it out."
            )
        stream = container.streams.best("audio")
        if stream is None:
            return DecodedAudio(None)
        if stream.codec_context is None:
            return DecodedAudio(None, "FFmpeg has no decoder for it")
        track = AudioTrack(sample_rate, _video_start(container))
        packets = _PacketReader(container, stream)
        for frame in packets.decode():
            track.append(_mix_channels(frame), frame.sample_rate, frame.time)
        damage = packets.damage()
        stated = _stated_seconds(container, stream)
    if stated - track.seconds > MARGIN:
        damage.append(f"{track.seconds:.2f} of {stated:.2f} s are there")
    if track.num_non_finite:
        damage.append(f"{track.num_non_finite} samples are not finite")
    return DecodedAudio(track.finish(), ", ".join(damage), track.start)


class AudioTrack:
    """Resamples pieces of audio to one rate and joins them by their times.

    Gaps between the times are filled with silence. If a time goes back, or
    jumps ahead by more than `MAX_SILENCE`, it is ignored and the piece follows
    the previous one immediately. The result starts at `start` seconds if no
    piece is earlier; None starts with the first piece.

    Attributes:
        num_non_finite: Number of samples that were NaN or infinite.
    """

    def __init__(self, sample_rate: int, start: float | None = None):
        self.num_non_finite = 0
        self._sample_rate = sample_rate
        self._start = start
        self._first = None  # seconds at which the first piece starts
        self._next = None  # seconds at which the next piece should start
        self._silence_left = MAX_SILENCE
        self._rate = None
        self._resampler = None
        self._pieces = []

    @property
    def start(self) -> float:
        """Start of the result in seconds from the given start; <= 0."""
        if self._start is None or self._first is None:
            return 0.0
        return min(0.0, self._first - self._start)

    @property
    def seconds(self) -> float:
        """Duration from the start of the first piece to the last one's end."""
        return 0.0 if self._first is None else self._next - self._first

    def append(
        self, samples: np.ndarray, rate: int, time: float | None
    ) -> None:
        """Appends float32 `(num_samples,)` of one channel.

        The rate in Hz may differ between pieces. `time` is in seconds; None is
        the end of the previous piece.
        """
        self._move_to(time)
        if rate != self._rate:
            self._flush()
            self._rate = rate
        finite = np.isfinite(samples)
        self.num_non_finite += len(samples) - int(finite.sum())
        self._resample(np.where(finite, samples, np.float32(0)))
        self._next += len(samples) / rate

    def finish(self) -> np.ndarray | None:
        """Returns the joined audio, float32 `(num_samples,)`; None if empty."""
        self._flush()
        if not any(map(len, self._pieces)):
            return None
        samples = np.concatenate(self._pieces)
        self._pieces = []
        return np.clip(samples, -1, 1, out=samples)  # filters overshoot

    def _move_to(self, time):
        """Moves the clock to a time and inserts silence up to it."""
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
        self._add(self._resampler.resample(frame))

    def _flush(self):
        """Takes the samples that the resampler's filter still holds."""
        if self._resampler is not None:
            self._add(self._resampler.resample(None))
        self._resampler = None

    def _add(self, frames):
        self._pieces += [frame.to_ndarray()[0] for frame in frames]


class _PacketReader:
    """Decodes a track packet by packet and skips those that do not decode."""

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
        """Describes what was skipped so far."""
        found = []
        if self._num_bad:
            bad, count = self._num_bad, self._num_packets
            found.append(f"{bad} of {count} packets do not decode")
        if self._num_odd:
            found.append(f"{self._num_odd} frames have an impossible rate")
        return found + [self._end] * bool(self._end)

    def _packets(self):
        while True:
            try:
                yield from self._container.demux(self._stream)
                return
            except IndexError:
                pass  # PyAV's end of a file in which a track started midway
            except import_av().FFmpegError as error:
                self._end = f"reading ends with {error}"
                yield None  # the decoder returns the frames that it holds
                return

    def _frames(self, packet):
        full = packet is not None and packet.size > 0
        self._num_packets += full
        try:
            frames = self._stream.decode(packet)
        except import_av().FFmpegError:
            self._num_bad += full
            return []
        self._num_bad += full and packet.is_corrupt
        return frames


def _mix_channels(frame):
    """Returns the mean of a decoded frame's channels, full scale 1."""
    # FFmpeg's own mixing weights integers and floats differently.
    if frame.format.is_planar and len(frame.layout.channels) >= UNSAFE_PLANES:
        packed = frame.format.packed.name
        frame = import_av().AudioResampler(format=packed).resample(frame)[0]
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(frame.samples, -1).T
    scale = FULL_SCALE.get(samples.dtype.str[1:], 1)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite floats
        mean = samples.mean(axis=0, dtype=np.float32)
    if samples.dtype == np.uint8:
        mean -= scale
    return mean / np.float32(scale)


def _video_start(container):
    """Returns the seconds at which the video starts, None without video."""
    stream = find_video(container)
    if stream is None or stream.start_time is None:
        return None
    return float(stream.start_time * stream.time_base)


def _stated_seconds(container, stream):
    """Returns a track's duration by the file's header, 0 if not stated."""
    if set(container.format.name.split(",")) & GUESSED_DURATION:
        return 0.0
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.streams.video or container.duration is None:
        return 0.0
    # Matroska states where a file ends by the clock of its first packet.
    start = container.start_time or 0
    return (container.duration - max(0, start)) / MICROSECONDS
