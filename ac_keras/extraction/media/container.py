"""Media files opened by FFmpeg, through PyAV.

PyAV turns FFmpeg's own messages off, and nothing here turns them on: what is
wrong with a file is said by MediaError. Who wants them, to look at one file,
calls `av.logging.set_level(av.logging.VERBOSE)`.
"""

import contextlib
import os
import types
from collections.abc import Iterator


class MediaError(ValueError):
    """A media file that is missing, broken, or without what is asked of it.

    Its message names the file, says what was expected and what was found, and
    what to do. A run over many files reports it and goes on with the next.
    """


# They name other files, which would become part of the clip.
PLAYLISTS = ("concat", "dash", "hls", "imf", "sdp")
# Other than a picture that belongs to a sound or a film.
PICTURES = ("attached_pic", "timed_thumbnails")


def import_av() -> types.ModuleType:
    """Imports PyAV.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Expected the package av, which reads media files, to be "
            f"installed. Received: {error}. Install it by: "
            'pip install "ac-keras[media]"'
        ) from error
    return av


@contextlib.contextmanager
def open_media(path: str | os.PathLike) -> Iterator:
    """Opens a media file for reading and closes it at the block's end.

    Args:
        path: A file of this machine; neither an address nor a playlist.

    Yields:
        PyAV's `InputContainer`. What FFmpeg raises in the block becomes a
        MediaError that names the file.

    Raises:
        MediaError: If the file is missing, empty or no media file.
        ImportError: If PyAV is not installed.
    """
    av = import_av()
    path = os.fsdecode(path)
    check_file(path)
    try:
        # `file:` keeps a colon in a name from being taken for a protocol.
        # Tags that are not UTF-8 are no reason to refuse a clip.
        with av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        ) as container:
            if set(container.format.name.split(",")) & set(PLAYLISTS):
                raise MediaError(
                    "Expected a media file. Received: "
                    f"path={path!r}, a playlist. Name the files it lists."
                )
            yield container
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            "Expected a media file that FFmpeg can read. Received: "
            f"path={path!r}: {reason}. It may be cut short, or no media file "
            "at all: try it in a player, and leave it out if that fails."
        ) from error


def check_file(path: str) -> None:
    """Refuses what is no file, or an empty one, before it is opened.

    To open a pipe would wait for somebody to write to it.
    """
    if not os.path.exists(path):
        found, remedy = "which does not exist", "Check the path."
    elif not os.path.isfile(path):
        found, remedy = "which is not a file", "Name a file."
    elif not os.path.getsize(path):
        found = "which is empty (0 bytes)"
        remedy = "Copy or download it again, or leave it out."
    else:
        return
    raise MediaError(
        f"Expected a media file. Received: path={path!r}, {found}. {remedy}"
    )


def find_video(container):
    """The track of moving pictures that a player would show.

    Args:
        container: Of `open_media`.

    Returns:
        PyAV's `VideoStream`, or None: a cover picture is no video.
    """
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None
        and not any(
            stream.disposition & type(stream.disposition)[name]
            for name in PICTURES
        )
    ]
    best = container.streams.best("video")
    for stream in streams:
        if best is not None and stream.index == best.index:
            return stream
    return next(iter(streams), None)


def require_video(container, path: str | os.PathLike):
    """The same, where there has to be one.

    Raises:
        MediaError: If there is none, or FFmpeg knows no decoder for it.
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
            "Leave the file out of what is seen, or convert it by ffmpeg."
        )
    # Many files are decoded side by side, each by one thread.
    stream.thread_type = "NONE"
    stream.thread_count = 1
    return stream


def packets_of(container, *streams) -> Iterator:
    """Gives packets of some tracks, or of all.

    The last is None where reading failed before the file's end.
    """
    try:
        yield from container.demux(*streams)
    except import_av().error.FFmpegError:
        yield None
    except IndexError:
        # PyAV fails to end a track that appeared on the way (in a transport
        # stream), when it has ended all those that it knows.
        return
