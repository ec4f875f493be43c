"""One small media file of each odd kind, by its name.

`READABLE` give their frames, `CUT` give the first of them and say so,
`UNREADABLE` give none.
"""

import dataclasses
import os
from collections.abc import Callable
from collections.abc import Iterable
from fractions import Fraction
from functools import partial
from pathlib import Path

from support.media.log_mel_reference import tone
from support.media.media_files import draw
from support.media.media_files import encode_image
from support.media.media_files import write_audio
from support.media.media_files import write_images
from support.media.media_files import write_video


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file and what is seen in it.

    Attributes:
        write: Takes a path.
        size: Width and height as shown.
        times: Seconds of the frames; None for ten a second.
        numbers: That the frames were drawn with.
    """

    write: Callable
    size: tuple[int, int] = (64, 48)
    times: Iterable | None = None
    numbers: Iterable = range(10)


def video(seen=(), **settings):
    """Drawn frames, which are `seen` otherwise or as they are drawn."""
    drawn = settings.keys() & {"size", "times", "numbers"}
    as_drawn = {name: settings[name] for name in drawn}
    return Kind(partial(write_video, **settings), **as_drawn | dict(seen))


def cut(share, **settings):
    """A writer of the first part of sixty frames."""

    def write(path):
        data = write_video(path, range(60), **settings).read_bytes()
        path.write_bytes(data[: int(share * len(data))])

    return write


def content(data):
    """A writer of bytes."""
    return lambda path: path.write_bytes(data)


def replacing(old, new, **settings):
    """A writer of frames that exchanges some of the bytes."""

    def write(path):
        data = write_video(path, **settings).read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))

    return write


def playlist(path):
    clip = write_video(path.with_name("clip.mp4"))
    path.write_text(f"ffconcat version 1.0\nfile {clip.name}\n")


AUDIO = {"codec": "aac", "samples": tone(1.0, 8000), "rate": 8000}
COVER = encode_image(draw(0))
# Five frames that stand, then five that lie on their side.
TURNING = [
    encode_image(draw(x, size=(64, 48) if x < 5 else (48, 64)))
    for x in range(10)
]
UNEVEN = [0, 0.1, 0.2, 0.25, 0.3, 1, 2, 2.1, 2.2, 5]
TURNED = {
    f"turned_{rotation}{'_mirrored' * flip}.mp4": video(
        rotation=rotation, flip=flip
    )
    for rotation in (0, 90, 180, 270)
    for flip in (False, True)
}
READABLE = TURNED | {
    "all_key_frames.mov": video(codec="prores_ks", pixel_format="yuv422p10le"),
    "animation.gif": video(codec="gif", pixel_format="rgb8"),
    "b_frames.mp4": video(numbers=range(30), options={"bf": "3"}),
    "b_frames.avi": video(codec="mpeg4", options={"bf": "2"}),
    "cover_and_video.mp4": video(cover=COVER),
    "begins_before_0.mp4": video(
        times=[x / 10 for x in range(-3, 7)],
        options={"bf": "0"},
        seen={"times": None, "numbers": range(3, 10)},
    ),
    "first_time_is_7.ts": video(
        times=[7 + x / 10 for x in range(10)], seen={"times": None}
    ),
    "full_range.mp4": video(pixel_format="yuvj420p"),
    "full_range.avi": video(codec="mjpeg", pixel_format="yuvj420p"),
    "interlaced.mkv": video(
        options={"flags": "+ildct+ilme", "x264-params": "tff=1"}
    ),
    "lossless.mkv": video(codec="ffv1"),
    "mono_8_khz_aac.mp4": video(audio="aac"),
    "mono_8_khz_mp3.mkv": video(audio="mp3"),
    "no_times.h264": video(seen={"times": [x / 25 for x in range(10)]}),
    "odd_size.mkv": video(size=(63, 37), pixel_format="yuv444p"),
    "odd_size.webm": video(size=(63, 37), codec="libvpx-vp9"),
    "one_frame.mp4": video(numbers=[3]),
    "picture.jpg": Kind(content(encode_image(draw(5))), numbers=[5]),
    "picture_named.mp4": Kind(content(encode_image(draw(5))), numbers=[5]),
    "picture.png": Kind(
        content(encode_image(draw(5, size=(63, 37)), "png")),
        size=(63, 37),
        numbers=[5],
    ),
    "strange_tags.mp4": Kind(
        replacing(b"TITLE", b"\xe9\xff\xfe\xe8\x80", tags={"title": "TITLE"})
    ),
    "ten_bits_h264.mp4": video(pixel_format="yuv420p10le"),
    "ten_bits_hevc.mp4": video(codec="libx265", pixel_format="yuv420p10le"),
    "two_sizes.mkv": Kind(partial(write_images, images=TURNING)),
    "uneven_times.mkv": video(times=UNEVEN),
    "uneven_times.mp4": video(times=UNEVEN),
    "vp8_hidden_frames.webm": video(
        codec="libvpx",
        numbers=range(30),
        options={
            "deadline": "good",
            "cpu-used": "5",
            "auto-alt-ref": "1",
            "lag-in-frames": "16",
        },
    ),
    "wide_pixels.mp4": video(
        size=(32, 48), sample_aspect=Fraction(2, 1), seen={"size": (64, 48)}
    ),
}
CUT = {  # of 60 frames
    "cut.avi": cut(0.8, codec="mpeg4"),
    "cut.mkv": cut(0.6, options={"g": "12"}),
    "cut_index_first.mp4": cut(
        0.8,
        options={"bf": "0", "g": "12"},
        muxer={"movflags": "faststart"},
    ),
}
UNREADABLE = {  # with a part of the error message
    "cover_and_audio.mp3": (
        partial(write_audio, **AUDIO | {"codec": "mp3", "cover": COVER}),
        "video (mjpeg)",
    ),
    "cut_index_last.mp4": (cut(0.8), "End of file"),
    "empty.mp4": (content(b""), "0 bytes"),
    "folder.mp4": (Path.mkdir, "is not a file"),
    "missing.mp4": (lambda path: None, "does not exist"),
    "pipe.mp4": (os.mkfifo, "is not a file"),
    "playlist.mp4": (playlist, "a playlist"),
    "playlist_of_none.mp4": (
        content(b"ffconcat version 1.0\nfile plain.mp4\n"),
        "No such file",
    ),
    "audio_alone.mp4": (partial(write_audio, **AUDIO), "audio (aac)"),
    "text.mp4": (content(b"This is no film. " * 99), "Invalid data"),
    "unknown_codec.mp4": (replacing(b"avc1", b"zzzz"), "unknown codec"),
    "very_wide_pixels.mp4": (
        partial(write_video, sample_aspect=Fraction(40, 1)),
        "2560x48",
    ),
}
