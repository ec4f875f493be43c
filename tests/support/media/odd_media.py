"""Small media files of frames that tell which they are, and which way up.

A drawn frame has a red, a green and a blue quarter (top left, top right,
bottom left); the grey of the fourth says the frame's number, modulo 32.
"""

import pathlib
from fractions import Fraction

import numpy as np
import pytest

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
        audio: Of `tone`.
        cover: Bytes of a JPEG that goes along.
    """
    numbers = list(numbers)
    times = [x / RATE for x in range(len(numbers))] if times is None else times
    with av.open(str(path), "w", options=muxer or {}) as container:
        container.metadata.update(tags or {})
        options = {**FINE.get(codec, {}), **(options or {})}
        stream = container.add_stream(codec, rate=RATE, options=options)
        pixels = stored(draw(0, size), rotation, flip)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt, stream.thread_count = pixel_format, 1
        clock = Fraction(1, RATE if codec in COARSE else CLOCK)
        stream.codec_context.time_base = clock
        if sample_aspect:
            stream.sample_aspect_ratio = sample_aspect
        if rotation or flip:
            stream.set_display_rotation(rotation, hflip=flip)
        voice = container.add_stream(**audio["stream"]) if audio else None
        if cover:
            container.mux(cover_packet(container, cover))
        for number, time in zip(numbers, times, strict=True):
            pixels = stored(draw(number, size), rotation, flip)
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            frame = frame.reformat(format=pixel_format, threads=1)
            frame.time_base, frame.pts = clock, round(time / clock)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice:
            encode_audio(container, voice, audio["samples"])
    return pathlib.Path(path)


def tone(seconds=1.0, rate=8000, codec="aac", layout="mono"):
    """An audio track's stream and samples."""
    count = int(seconds * rate)
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
    channels = 2 if layout == "stereo" else 1
    samples = np.repeat(wave[None].astype(np.float32), channels, axis=0)
    stream = {"codec_name": codec, "rate": rate, "layout": layout}
    return {"stream": stream, "samples": samples}


def encode_audio(container, stream, samples):
    """Appends float samples `(channels, count)` to a stream."""
    frame = av.AudioFrame.from_ndarray(
        samples, format="fltp", layout=stream.layout.name
    )
    frame.sample_rate, frame.pts = stream.rate, 0
    frame.time_base = Fraction(1, stream.rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_audio(path, cover=None, **arguments):
    """Writes an audio file, as `tone` makes it, with a cover or without."""
    audio = tone(**arguments)
    with av.open(str(path), "w") as container:
        voice = container.add_stream(**audio["stream"])
        if cover:
            container.mux(cover_packet(container, cover))
        encode_audio(container, voice, audio["samples"])
    return pathlib.Path(path)


def cover_packet(container, cover):
    """Adds a track with a single image, the cover of an audio file."""
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    packet = av.Packet(cover)
    packet.stream, packet.time_base = stream, Fraction(1, 1)
    packet.pts = packet.dts = 0
    packet.is_keyframe = True
    return packet


def write_packets(path, images):
    """Writes JPEGs, which may differ in size, as a video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, pixels in enumerate(images):
            packet = av.Packet(pixels)
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)
    return pathlib.Path(path)


def write_still(path, number=5, size=(64, 48), codec="mjpeg"):
    """Writes one image."""
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream(codec, rate=1)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}[codec]
        frame = av.VideoFrame.from_ndarray(draw(number, size), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return pathlib.Path(path)


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
        ]
        .reshape(-1, frame[0, 0].size)
        .mean(axis=0)
        for row in (1, 5)
        for column in (1, 5)
    ]


def read_numbers(frames):
    """The numbers that upright frames were drawn with."""
    return [
        round((float(quarters(frame)[3].mean()) - 20) / STEP)
        for frame in frames
    ]


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
