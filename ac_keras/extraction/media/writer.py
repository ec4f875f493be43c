"""Media files from arrays."""

import fractions
import os
from collections.abc import Iterable

import numpy as np

from ac_keras.extraction.media.container import import_av
from ac_keras.utils import atomic_file

QUALITY = "18"  # x264's constant rate factor; 0 is lossless, 51 the worst
SOUND_BITS = 64_000  # a second


def write_mp4(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    frames_per_second: int,
    sound: np.ndarray | None = None,
    sample_rate: int = 8_000,
) -> None:
    """Writes H.264 and AAC, as an mp4 file that appears whole.

    The same arguments give the same bytes with the same FFmpeg.

    Args:
        path: The file; its folder exists.
        frames: Frames uint8 `(height, width, 3)` of even sides, in order.
        frames_per_second: Their rate.
        sound: Mono sound, float32 `(num_samples,)` in -1 to 1, if any.
        sample_rate: Its rate in Hz.

    Raises:
        ImportError: If PyAV is not installed.
    """
    av = import_av()
    with atomic_file.atomic_path(path) as partial:
        with av.open(str(partial), "w", format="mp4") as file:
            picture = _add_picture(file, frames_per_second)
            track = sound is not None and _add_track(file, sample_rate)
            for frame in frames:
                if not picture.codec_context.is_open:
                    picture.height, picture.width = frame.shape[:2]
                file.mux(picture.encode(av.VideoFrame.from_ndarray(frame)))
            file.mux(picture.encode())
            if track:
                _write_sound(av, file, track, sound, sample_rate)


def _add_picture(file, frames_per_second):
    # One thread: the encoder's bits depend on how many there are.
    picture = file.add_stream(
        "libx264",
        rate=frames_per_second,
        options={"crf": QUALITY, "preset": "veryfast", "threads": "1"},
    )
    picture.pix_fmt = "yuv420p"
    return picture


def _add_track(file, sample_rate):
    track = file.add_stream("aac", rate=sample_rate)
    track.layout = "mono"
    track.bit_rate = SOUND_BITS
    return track


def _write_sound(av, file, track, sound, sample_rate):
    samples = np.ascontiguousarray(sound, np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.sample_rate = sample_rate
    frame.time_base = fractions.Fraction(1, sample_rate)
    frame.pts = 0
    file.mux(track.encode(frame))
    file.mux(track.encode())
