"""One small media file of each odd kind, by its name.

`READABLE` give their frames, `CUT` give the first of them and say so,
`UNREADABLE` give none. `python odd_files.py FOLDER` writes all of them.
"""

import dataclasses
import functools
import pathlib
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Iterable
from fractions import Fraction

from support.media.odd_media import tone
from support.media.odd_media import write_audio
from support.media.odd_media import write_packets
from support.media.odd_media import write_still
from support.media.odd_media import write_video


def video(**settings):
    """A writer of drawn frames."""
    return functools.partial(write_video, **settings)


def cut(share, **settings):
    """A writer of the first part of a file."""

    def write(path):
        data = whole_bytes(path, **settings)
        path.write_bytes(data[: int(share * len(data))])
        return path

    return write


def whole_bytes(path, **settings):
    """A video's bytes, of the format that a path names."""
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / f"whole{path.suffix}"
        return write_video(whole, **settings).read_bytes()


def text(words):
    """A writer of text."""

    def write(path):
        path.write_text(words)
        return path

    return write


def jpeg(*arguments, **settings):
    """Bytes of an image."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "picture.jpg"
        return write_still(path, *arguments, **settings).read_bytes()


def with_cover(path):
    return write_video(path, cover=jpeg())


def audio_with_cover(path):
    return write_audio(path, cover=jpeg(), codec="libmp3lame")


def two_sizes(path):
    """Five frames lie on their side after five that stand."""
    images = [jpeg(x) for x in range(5)]
    images += [jpeg(x, size=(48, 64)) for x in range(5, 10)]
    return write_packets(path, images)


def strange_tags(path):
    """A title that is not UTF-8."""
    data = write_video(path, tags={"title": "TITLE"}).read_bytes()
    assert b"TITLE" in data
    path.write_bytes(data.replace(b"TITLE", b"\xe9\xff\xfe\xe8\x80"))
    return path


def still_named_mp4(path):
    path.write_bytes(jpeg())
    return path


def unknown_codec(path):
    data = write_video(path).read_bytes()
    path.write_bytes(data.replace(b"avc1", b"zzzz"))
    return path


UNEVEN = [0, 0.1, 0.2, 0.25, 0.3, 1, 2, 2.1, 2.2, 5]


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


TURNED = {
    f"turned_{rotation}{'_mirrored' * flip}.mp4": Kind(
        video(rotation=rotation, flip=flip)
    )
    for rotation in (0, 90, 180, 270)
    for flip in (False, True)
}
READABLE = TURNED | {
    "all_key_frames.mov": Kind(
        video(codec="prores_ks", pixel_format="yuv422p10le")
    ),
    "animation.gif": Kind(video(codec="gif", pixel_format="rgb8")),
    "b_frames.mp4": Kind(
        video(numbers=range(30), options={"bf": "3"}), numbers=range(30)
    ),
    "b_frames.avi": Kind(video(codec="mpeg4", options={"bf": "2"})),
    "cover_and_video.mp4": Kind(with_cover),
    "begins_before_0.mp4": Kind(
        video(times=[x / 10 for x in range(-3, 7)], options={"bf": "0"}),
        numbers=range(3, 10),
    ),
    "first_time_is_7.ts": Kind(video(times=[7 + x / 10 for x in range(10)])),
    "full_range.mp4": Kind(video(pixel_format="yuvj420p")),
    "full_range.avi": Kind(video(codec="mjpeg", pixel_format="yuvj420p")),
    "interlaced.mkv": Kind(
        video(options={"flags": "+ildct+ilme", "x264-params": "tff=1"})
    ),
    "lossless.mkv": Kind(video(codec="ffv1")),
    "mono_8_khz_aac.mp4": Kind(video(audio=tone(rate=8000))),
    "mono_8_khz_mp3.mkv": Kind(video(audio=tone(codec="libmp3lame"))),
    "no_times.h264": Kind(video(), times=[x / 25 for x in range(10)]),
    "odd_size.mkv": Kind(
        video(size=(63, 37), pixel_format="yuv444p"), size=(63, 37)
    ),
    "odd_size.webm": Kind(
        video(size=(63, 37), codec="libvpx-vp9"), size=(63, 37)
    ),
    "one_frame.mp4": Kind(video(numbers=[3]), numbers=[3]),
    "picture.jpg": Kind(write_still, numbers=[5]),
    "picture_named.mp4": Kind(still_named_mp4, numbers=[5]),
    "picture.png": Kind(
        functools.partial(write_still, size=(63, 37), codec="png"),
        size=(63, 37),
        numbers=[5],
    ),
    "strange_tags.mp4": Kind(strange_tags),
    "ten_bits_h264.mp4": Kind(video(pixel_format="yuv420p10le")),
    "ten_bits_hevc.mp4": Kind(
        video(codec="libx265", pixel_format="yuv420p10le")
    ),
    "two_sizes.mkv": Kind(two_sizes),
    "uneven_times.mkv": Kind(video(times=UNEVEN), times=UNEVEN),
    "uneven_times.mp4": Kind(video(times=UNEVEN), times=UNEVEN),
    "vp8_hidden_frames.webm": Kind(
        video(
            codec="libvpx",
            numbers=range(30),
            options={
                "deadline": "good",
                "cpu-used": "5",
                "auto-alt-ref": "1",
                "lag-in-frames": "16",
            },
        ),
        numbers=range(30),
    ),
    "wide_pixels.mp4": Kind(video(size=(32, 48), sample_aspect=Fraction(2, 1))),
}
CUT = {  # of 60 frames
    "cut.avi": cut(0.8, numbers=range(60), codec="mpeg4"),
    "cut.mkv": cut(0.6, numbers=range(60), options={"g": "12"}),
    "cut_index_first.mp4": cut(
        0.8,
        numbers=range(60),
        options={"bf": "0", "g": "12"},
        muxer={"movflags": "faststart"},
    ),
}
UNREADABLE = {
    "cover_and_audio.mp3": audio_with_cover,
    "cut_index_last.mp4": cut(0.8, numbers=range(60)),
    "empty.mp4": text(""),
    "playlist.mp4": text("ffconcat version 1.0\nfile plain.mp4\n"),
    "audio_alone.mp4": write_audio,
    "text.mp4": text("This is no film. " * 99),
    "unknown_codec.mp4": unknown_codec,
}


def write_all(folder):
    """Writes a file of each kind, by its name."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writers = {name: kind.write for name, kind in READABLE.items()}
    for name, write in {**writers, **CUT, **UNREADABLE}.items():
        write(folder / name)


if __name__ == "__main__":
    write_all(sys.argv[1])
