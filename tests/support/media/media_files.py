"""Small media files of frames that tell which they are, and which way up.

A drawn frame has a red, a green and a blue quarter (top left, top right,
bottom left); the grey of the fourth says the frame's number, modulo 32.
"""

import pathlib
import wave
from fractions import Fraction

import numpy as np
import pytest

from support.media.log_mel_reference import tone

av = pytest.importorskip("av")

STEP = 7  # of grey, from one number to the next
RATE = 10  # frames a second, where nothing else is said
NUM_FRAMES = 10
CLOCK = 1200  # ticks a second: whole at 8, 10, 12, 15, 24 and 30 frames
COARSE = ("ffv1", "gif", "mpeg4", "mjpeg", "prores_ks")  # clocks of `RATE`
FINE = {  # options by which encoders hardly change a frame
    "libvpx": {"b": "2M", "crf": "4", "deadline": "realtime"},
    "libvpx-vp9": {"crf": "1", "deadline": "realtime", "cpu-used": "8"},
    "libx264": {"crf": "1"},
    "libx265": {"crf": "1", "x265-params": "log-level=none:pools=none"},
    "mjpeg": {"qmin": "1", "qmax": "1"},
    "mpeg4": {"b": "4M", "qmin": "1", "qmax": "2"},
}


def write_video(
    path,
    numbers=range(NUM_FRAMES),
    size=(64, 48),
    codec="libx264",
    pixel_format="yuv420p",
    times=None,
    options=None,
    sample_aspect=None,
    rotation=0,
    flip=False,
    audio=None,
    cover=None,
    muxer=None,
    tags=None,
):
    """Writes the drawn frames of some numbers.

    Args:
        size: Width and height of the upright frames, in stored pixels.
        times: Seconds of each frame; None for `RATE`.
        options: Of the encoder; those of the format are `muxer`.
        sample_aspect: Width by height of a stored pixel.
        rotation: Counter-clockwise degrees by which players turn a frame,
            which they mirror if `flip`.
        audio: Codec of a tone at 8 kHz that goes along.
        cover: Bytes of a JPEG that goes along.
    """
    frames = [stored(draw(x, size), rotation, flip) for x in numbers]
    times = [x / RATE for x in range(len(frames))] if times is None else times
    with av.open(str(path), "w", options=muxer or {}) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(
            codec, rate=RATE, options={**FINE.get(codec, {}), **(options or {})}
        )
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.thread_count = pixel_format, 1
        clock = Fraction(1, RATE if codec in COARSE else CLOCK)
        stream.codec_context.time_base = clock
        if sample_aspect:
            stream.sample_aspect_ratio = sample_aspect
        if rotation or flip:
            stream.set_display_rotation(rotation, hflip=flip)
        packets = []
        if audio:
            track = container.add_stream(audio, rate=8000, layout="mono")
            packets += encode_audio(track, tone(len(frames) / RATE, 8000))
        if cover:
            packets.append(cover_packet(container, cover))
        packets += encode_frames(stream, frames, times, clock)
        mux(container, packets)
    return pathlib.Path(path)


def write_audio(
    path,
    codec,
    samples,
    rate,
    layout="mono",
    start=0.0,
    video_start=None,
    gap=(0, 0.0),
    cover=None,
    muxer=None,
):
    """Writes float samples `(num_samples,)`, the same in all channels.

    Audio begins at `start`, frames at `video_start` if there are any, and from
    the sample `gap[0]` on the audio is `gap[1]` seconds late. A `cover` and the
    options `muxer` are as in `write_video`.
    """
    with av.open(str(path), "w", options=muxer or {}) as container:
        track = container.add_stream(codec, rate=rate, layout=layout)
        packets = []
        if cover:
            packets.append(cover_packet(container, cover))
        if video_start is not None:
            video = container.add_stream("mpeg4", rate=25)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            times = [video_start + x / 25 for x in range(NUM_FRAMES)]
            frames = map(draw, range(NUM_FRAMES))
            packets += encode_frames(video, frames, times, Fraction(1, 25))
        packets += encode_audio(track, samples, start, gap)
        mux(container, packets)
    return pathlib.Path(path)


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


def write_images(path, images):
    """Writes JPEGs, which may differ in size, as a video."""
    with av.open(str(path), "w") as container:
        stream = image_stream(container)
        for number, image in enumerate(images):
            container.mux(image_packet(stream, image, number))
    return pathlib.Path(path)


def encode_image(frame, codec="mjpeg"):
    """Returns the bytes of a JPEG, or of a PNG with the codec `png`."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.height, encoder.width = frame.shape[:2]
    encoder.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}[codec]
    encoder.time_base = Fraction(1, RATE)
    (packet,) = encode_frames(encoder, [frame], [0], encoder.time_base)
    return bytes(packet)


def mux(container, packets):
    for packet in sorted(packets, key=lambda x: x.dts * x.time_base):
        container.mux(packet)


def encode_frames(stream, frames, times, clock):
    """Returns the packets of RGB frames that are shown at some seconds."""
    packets = []
    for pixels, time in zip(frames, times, strict=True):
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
        frame = frame.reformat(format=stream.pix_fmt, threads=1)
        frame.time_base, frame.pts = clock, round(time / clock)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def encode_audio(stream, samples, start=0.0, gap=(0, 0.0)):
    stream.codec_context.options = {"strict": "experimental"}  # for Vorbis
    stream.codec_context.open()
    rate, layout = stream.rate, stream.layout
    size = stream.codec_context.frame_size or 1024
    convert = av.AudioResampler(stream.format, layout.name, rate)
    packets = []
    for first in range(0, len(samples), size):
        piece = samples[first : first + size].astype(np.float32)
        channels = np.repeat(piece, layout.nb_channels)[None]
        frame = av.AudioFrame.from_ndarray(channels, "flt", layout.name)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        late = gap[1] if first >= gap[0] else 0.0
        frame.pts = round((start + late) * rate) + first
        for converted in convert.resample(frame):
            packets += stream.encode(converted)
    return packets + stream.encode(None)


def cover_packet(container, image):
    stream = image_stream(container)
    stream.disposition = av.stream.Disposition.attached_pic
    return image_packet(stream, image)


def image_stream(container):
    """Adds a track of JPEGs."""
    stream = container.add_stream("mjpeg", rate=RATE)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
    return stream


def image_packet(stream, image, number=0):
    packet = av.Packet(image)
    packet.stream, packet.time_base = stream, Fraction(1, RATE)
    packet.pts = packet.dts = number
    packet.duration, packet.is_keyframe = 1, True
    return packet


def draw(number, size=(64, 48)):
    """One frame, uint8 `(height, width, 3)`."""
    width, height = size
    frame = np.full((height, width, 3), 20 + STEP * (number % 32), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    frame[:middle_y, :middle_x] = (220, 30, 30)
    frame[:middle_y, middle_x:] = (30, 220, 30)
    frame[middle_y:, :middle_x] = (30, 30, 220)
    return frame


def quarters(frame):
    """Mean colors of the middles of the quarters, in reading order."""
    height, width = frame.shape[:2]
    return [
        frame[
            row * height // 8 : (row + 2) * height // 8,
            column * width // 8 : (column + 2) * width // 8,
        ].mean(axis=(0, 1))
        for row in (1, 5)
        for column in (1, 5)
    ]


def read_numbers(frames):
    """The numbers that upright frames were drawn with."""
    return [round((quarters(x)[3].mean() - 20) / STEP) for x in frames]


def is_upright(frame):
    """Returns True if each corner has its color."""
    means = quarters(frame)[:3]
    return [int(x.argmax()) for x in means] == [0, 1, 2] and all(
        np.ptp(x) > 120 for x in means
    )


def stored(frame, rotation, flip):
    """Returns the stored frame that a player displays as `frame`."""
    frame = frame[:, ::-1] if flip else frame
    return np.ascontiguousarray(np.rot90(frame, -rotation // 90))
