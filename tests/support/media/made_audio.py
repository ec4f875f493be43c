"""Media files with audio, made for a test."""

import fractions
import wave

import av
import numpy as np

FRAMES_PER_SECOND = 25


def write_wav(path, samples, rate, num_bytes=2):
    """Writes `(num_samples, num_channels)` as integers, without FFmpeg."""
    samples = np.asarray(samples)
    samples = samples[:, None] if samples.ndim == 1 else samples
    scale = 2.0 ** (8 * num_bytes - 1)
    integers = np.round(samples * scale).clip(-scale, scale - 1)
    if num_bytes == 1:
        integers += 128  # 8 bits alone have no sign
    data = integers.astype("<i8").reshape(-1, 1).view(np.uint8)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(num_bytes)
        file.setframerate(rate)
        file.writeframes(data[:, :num_bytes].tobytes())
    return path


def write_media(
    path,
    codec,
    samples,
    rate,
    layout="mono",
    start=0.0,
    video_start=None,
    gap=(0, 0.0),
):
    """Writes a media file with PyAV.

    `samples` is `(num_samples,)`, the same in all channels, or
    `(num_channels, num_samples)`; None for a video without audio. Audio
    begins at `start`, frames at `video_start` if there are any, and from
    the sample `gap[0]` on the audio is `gap[1]` seconds late.
    """
    with av.open(str(path), "w") as container:
        packets, audio = [], None
        if samples is not None:
            audio = container.add_stream(codec, rate=rate, layout=layout)
        if video_start is not None:
            packets += _frames(container, video_start)
        if audio is not None:
            num_channels = audio.layout.nb_channels
            planes = np.broadcast_to(samples, (num_channels, samples.shape[-1]))
            packets += _audio(audio, planes.astype(np.float32), start, gap)
        for packet in sorted(packets, key=lambda x: x.dts * x.time_base):
            container.mux(packet)
    return path


def _audio(stream, planes, start, gap):
    stream.codec_context.options = {"strict": "experimental"}  # for Vorbis
    stream.codec_context.open()
    rate, layout = stream.rate, stream.layout.name
    size = stream.codec_context.frame_size or 1024
    convert = av.AudioResampler(stream.format, layout, rate)
    packets = []
    for first in range(0, planes.shape[1], size):
        piece = planes[:, first : first + size].T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece.copy(), "flt", layout)
        frame.sample_rate = rate
        frame.time_base = fractions.Fraction(1, rate)
        late = gap[1] if first >= gap[0] else 0.0
        frame.pts = round((start + late) * rate) + first
        for converted in convert.resample(frame):
            packets += stream.encode(converted)
    return packets + stream.encode(None)


def _frames(container, start):
    stream = container.add_stream("mpeg4", rate=FRAMES_PER_SECOND)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    packets = []
    for index in range(10):
        frame = av.VideoFrame.from_ndarray(
            np.full((48, 64, 3), 20 * index, np.uint8)
        )
        frame.time_base = fractions.Fraction(1, FRAMES_PER_SECOND)
        frame.pts = index + round(start * FRAMES_PER_SECOND)
        packets += stream.encode(frame)
    return packets + stream.encode(None)
