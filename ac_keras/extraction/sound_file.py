"""The sound of a media file, as one channel at one rate."""

import dataclasses
import os
import warnings

import numpy as np

from ac_keras.extraction.media_container import find_video
from ac_keras.extraction.media_container import open_media
from ac_keras.extraction.media_error import MediaError
from ac_keras.extraction.sound_packets import RATES
from ac_keras.extraction.sound_packets import PacketReader
from ac_keras.extraction.sound_track import SoundTrack
from ac_keras.extraction.sound_track import mix_channels

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
