"""Media files opened by FFmpeg through PyAV.

PyAV turns FFmpeg's own messages off; a `MediaError` reports what is wrong with
a file. To see FFmpeg's messages for one file, call
`av.logging.set_level(av.logging.VERBOSE)`.
"""

import contextlib
import os
import types
from collections.abc import Iterator

from ac_keras.utils.optional_imports import import_optional

# Formats that name other files, whose content would become part of the clip.
PLAYLISTS = ("concat", "dash", "hls", "imf", "sdp")
# Video tracks that hold still images and no video.
STILL_IMAGES = ("attached_pic", "timed_thumbnails")


class MediaError(ValueError):
    """A media file is missing, corrupt, or lacks the requested content.

    The message names the file, what was expected, what was found, and the fix.
    A run over many files reports it and continues with the next file.
    """


def import_av() -> types.ModuleType:
    """Imports PyAV, or raises ImportError."""
    return import_optional("av", "media")


@contextlib.contextmanager
def open_media(path: str | os.PathLike) -> Iterator:
    """Opens a media file for reading and closes it when the block ends.

    The path is of a local file, neither a URL nor a playlist. FFmpeg errors
    raised in the block become a MediaError that names the file.

    Yields:
        PyAV's `InputContainer`.

    Raises:
        MediaError: If the file is missing, empty or not a media file.
        ImportError: If PyAV is not installed.
    """
    av = import_av()
    path = os.fsdecode(path)
    _check_file(path)
    try:
        # `file:` prevents that a colon in a name is taken for a protocol.
        # Tags that are not UTF-8 are no reason to reject a clip.
        with av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        ) as container:
            if set(container.format.name.split(",")) & set(PLAYLISTS):
                raise MediaError(
                    "Expected a media file. Received: "
                    f"path={path!r}, a playlist. Pass the files that it lists."
                )
            yield container
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            "Expected a media file that FFmpeg can read. Received: "
            f"path={path!r}: {reason}. The file may be truncated or not a "
            "media file: try it in a player, and leave it out if that fails."
        ) from error


def find_video(container):
    """Returns PyAV's `VideoStream` that a player would show, or None.

    A cover image is not a video.
    """
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None
        and not any(
            stream.disposition & type(stream.disposition)[name]
            for name in STILL_IMAGES
        )
    ]
    best = container.streams.best("video")
    for stream in streams:
        if best is not None and stream.index == best.index:
            return stream
    return next(iter(streams), None)


def require_video(container, path: str | os.PathLike):
    """Returns the video track like `find_video`, set to decode by one thread.

    Raises:
        MediaError: If there is no video track, or no decoder for it.
    """
    stream = find_video(container)
    if stream is None:
        tracks = [
            f"{x.type} ({getattr(x.codec_context, 'name', 'unknown codec')})"
            for x in container.streams
        ]
        raise MediaError(
            "Expected a video track that can be decoded. Received: "
            f"path={os.fsdecode(path)!r} with tracks {tracks or 'none'}. "
            "Use the file without rgb and flow, or convert it with ffmpeg."
        )
    # Many files are decoded in parallel, each by one thread.
    stream.thread_type = "NONE"
    stream.thread_count = 1
    return stream


def packets_of(container, *streams) -> Iterator:
    """Yields the packets of the given tracks, or of all.

    The last one is None if reading failed before the end of the file.
    """
    try:
        yield from container.demux(*streams)
    except import_av().error.FFmpegError:
        yield None
    except IndexError:
        # PyAV fails to end a track that appeared midway (in a transport
        # stream) after it has ended all tracks that it knows.
        return


def _check_file(path):
    """Rejects what is no file: opening a pipe would wait for a writer."""
    if not os.path.exists(path):
        found, remedy = "which does not exist", "Check the path."
    elif not os.path.isfile(path):
        found, remedy = "which is not a file", "Pass a file."
    elif not os.path.getsize(path):
        found = "which is empty (0 bytes)"
        remedy = "Copy or download it again, or leave it out."
    else:
        return
    raise MediaError(
        f"Expected a media file. Received: path={path!r}, {found}. {remedy}"
    )
