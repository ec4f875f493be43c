"""Small media files of every odd kind, and frames that tell which they are.

A drawn frame has a red, a green and a blue quarter (top left, top right,
bottom left); the grey of the fourth says the frame's number, modulo 32.
"""

import pathlib
from fractions import Fraction

import av
import numpy as np

RATE = 10  # frames a second, where nothing else is said
NUM_FRAMES = 10
CLOCK = 1200  # ticks a second: whole at 8, 10, 12, 15, 24 and 30 frames
STEP = 7  # of grey, from one number to the next
QUIET = {"crf": "1", "x265-params": "log-level=none"}


def draw(number, size=(64, 48)):
    """The picture of one frame, uint8 `(height, width, 3)`."""
    width, height = size
    picture = np.full((height, width, 3), 20 + STEP * (number % 32), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    picture[:middle_y, :middle_x] = (220, 30, 30)
    picture[:middle_y, middle_x:] = (30, 220, 30)
    picture[middle_y:, :middle_x] = (30, 30, 220)
    return picture


def quarters(picture):
    """Mean colours of the middles of the quarters, in reading order."""
    height, width = picture.shape[:2]
    return [
        picture[
            row * height // 8 : (row + 2) * height // 8,
            column * width // 8 : (column + 2) * width // 8,
        ]
        .reshape(-1, picture[0, 0].size)
        .mean(axis=0)
        for row in (1, 5)
        for column in (1, 5)
    ]


def read_numbers(pictures):
    """The numbers that upright frames were drawn with."""
    return [
        round((float(quarters(picture)[3].mean()) - 20) / STEP)
        for picture in pictures
    ]


def is_upright(picture):
    """Whether each corner has its own colour."""
    means = quarters(picture)[:3]
    return [int(x.argmax()) for x in means] == [0, 1, 2] and all(
        np.ptp(x) > 120 for x in means
    )


def write_video(
    path,
    numbers=range(NUM_FRAMES),
    size=(64, 48),
    codec="libx264",
    pixel_format="yuv420p",
    times=None,
    options=None,
    sample_aspect=None,
    rotation=None,
    flip=False,
    sound=None,
    picture=None,
    muxer=None,
    tags=None,
    colors=None,
):
    """Writes drawn frames.

    Args:
        path: The file; its suffix tells the format.
        numbers: The frames' numbers.
        size: Width and height of the frames as stored.
        codec: The encoder.
        pixel_format: What is encoded.
        times: Seconds of each frame; None for `RATE`.
        options: Of the encoder.
        sample_aspect: Width by height of a stored pixel.
        rotation: Counter-clockwise degrees by which players turn it.
        flip: Whether they mirror it, too.
        sound: Arguments of `add_sound`.
        picture: Bytes of a cover picture, a JPEG.
        muxer: Options of the format.
        tags: Of the file.
        colors: Attributes of each frame, such as its range.

    Returns:
        The path.
    """
    numbers = list(numbers)
    times = [x / RATE for x in range(len(numbers))] if times is None else times
    with av.open(str(path), "w", options=muxer or {}) as container:
        container.metadata.update(tags or {})
        stream = container.add_stream(
            codec, rate=RATE, options={**QUIET, **(options or {})}
        )
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.thread_count = 1
        stream.codec_context.time_base = Fraction(
            1, RATE if codec in ("mpeg4", "gif", "rawvideo") else CLOCK
        )
        if sample_aspect:
            stream.sample_aspect_ratio = sample_aspect
        if rotation is not None:
            stream.set_display_rotation(rotation, hflip=flip)
        voice = container.add_stream(**sound["stream"]) if sound else None
        cover = add_cover(container, picture) if picture else None
        if cover:
            container.mux(cover)
        for number, time in zip(numbers, times, strict=True):
            frame = av.VideoFrame.from_ndarray(draw(number, size), "rgb24")
            frame = frame.reformat(format=pixel_format, threads=1)
            for name, value in (colors or {}).items():
                setattr(frame, name, value)
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(time / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice:
            encode_sound(container, voice, sound["samples"])
    return pathlib.Path(path)


def tone(seconds=1.0, rate=8000, codec="aac", layout="mono"):
    """A sound track's stream and samples, for `write_video`."""
    count = int(seconds * rate)
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(count) / rate)
    channels = 2 if layout == "stereo" else 1
    samples = np.repeat(wave[None].astype(np.float32), channels, axis=0)
    stream = {"codec_name": codec, "rate": rate, "layout": layout}
    return {"stream": stream, "samples": samples}


def encode_sound(container, stream, samples):
    """Appends float samples `(channels, count)` to a stream."""
    frame = av.AudioFrame.from_ndarray(
        samples, format="fltp", layout=stream.layout.name
    )
    frame.sample_rate, frame.pts = stream.rate, 0
    frame.time_base = Fraction(1, stream.rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_sound(path, picture=None, **arguments):
    """Writes a file of sound, with a cover or without."""
    sound = tone(**arguments)
    with av.open(str(path), "w") as container:
        voice = container.add_stream(**sound["stream"])
        cover = add_cover(container, picture) if picture else None
        if cover:
            container.mux(cover)
        encode_sound(container, voice, sound["samples"])
    return pathlib.Path(path)


def add_cover(container, picture):
    """Adds a stream of a single picture that players show for a sound."""
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    packet = av.Packet(picture)
    packet.stream, packet.pts, packet.dts = stream, 0, 0
    packet.time_base = Fraction(1, 1)
    packet.is_keyframe = True
    return packet


def write_still(path, number=5, size=(64, 48), codec="mjpeg"):
    """Writes one picture."""
    pixel_format = {"mjpeg": "yuvj420p", "png": "rgb24"}[codec]
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream(codec, rate=1)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        frame = av.VideoFrame.from_ndarray(draw(number, size), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return pathlib.Path(path)


def cut(path, source, share):
    """Copies the first part of a file."""
    data = pathlib.Path(source).read_bytes()
    path = pathlib.Path(path)
    path.write_bytes(data[: int(len(data) * share)])
    return path
