"""Makers of functions that write a media file of an odd kind at a path."""

import functools
import pathlib
import tempfile

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
