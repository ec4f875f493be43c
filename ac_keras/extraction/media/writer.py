"""Media files written from arrays."""

import fractions
import os
from collections.abc import Iterable

import numpy as np

from ac_keras.extraction.media.container import import_av
from ac_keras.utils import atomic_file

QUALITY = "18"  # x264's constant rate factor; 0 is lossless, 51 the worst
AUDIO_BIT_RATE = 64_000  # bits per second


def write_mp4(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    frames_per_second: int,
    audio: np.ndarray | None = None,
    sample_rate: int = 8_000,
) -> None:
    """Writes H.264 video and AAC audio to an mp4 file, atomically.

    The same arguments give the same bytes with the same FFmpeg.

    Args:
        path: The file; its folder exists.
        frames: Frames in order, uint8 `(height, width, 3)` with even sides.
        frames_per_second: Frame rate.
        audio: Mono audio, float32 `(num_samples,)` in [-1, 1], or None.
        sample_rate: Sample rate of the audio in Hz.
    """
    av = import_av()
    with (
        atomic_file.atomic_path(path) as partial,
        av.open(str(partial), "w", format="mp4") as file,
    ):
        # The encoder's bits depend on the number of threads; with macroblock
        # trees they also differ from run to run on AVX-512 processors.
        video = file.add_stream(
            "libx264",
            rate=frames_per_second,
            options={
                "crf": QUALITY,
                "preset": "veryfast",
                "threads": "1",
                "x264-params": "mbtree=0",
            },
        )
        video.pix_fmt = "yuv420p"
        track = None
        if audio is not None:
            track = file.add_stream("aac", rate=sample_rate)
            track.layout = "mono"
            track.bit_rate = AUDIO_BIT_RATE
        for frame in frames:
            if not video.codec_context.is_open:
                video.height, video.width = frame.shape[:2]
            file.mux(video.encode(av.VideoFrame.from_ndarray(frame)))
        file.mux(video.encode())
        if track is not None:
            _write_audio(file, track, audio, sample_rate)


def _write_audio(file, track, audio, sample_rate):
    samples = np.ascontiguousarray(audio, np.float32)[None]
    frame = import_av().AudioFrame.from_ndarray(samples, "fltp", "mono")
    frame.sample_rate = sample_rate
    frame.time_base = fractions.Fraction(1, sample_rate)
    frame.pts = 0
    file.mux(track.encode(frame))
    file.mux(track.encode())
