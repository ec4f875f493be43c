"""The frames of a video track, decoded."""

from collections.abc import Iterator

from ac_keras.extraction.media_container import import_av
from ac_keras.extraction.media_container import packets_of


class DecodedFrames:
    """Decodes a track's frames, in the order in which they are shown.

    What is damaged is left out: a frame that FFmpeg has patched up shows what
    nobody filmed.

    Args:
        container: Of `open_media`, at its beginning.
        stream: Its video track.

    Attributes:
        ticks: Of the frames decoded so far, None where they have no time.
        is_damaged: Whether something has been left out so far.
    """

    def __init__(self, container, stream):
        self._container, self._stream = container, stream
        self.ticks, self.is_damaged = [], False

    def __iter__(self) -> Iterator:
        """Gives PyAV's `VideoFrame`s; none is kept."""
        ffmpeg_error = import_av().error.FFmpegError
        for packet in packets_of(self._container, self._stream):
            if packet is not None and packet.is_corrupt:
                self.is_damaged = True
                continue
            try:  # None: what the decoder still holds
                frames = self._stream.decode(packet)
            except ffmpeg_error:
                self.is_damaged = True
                continue
            self.is_damaged |= packet is None
            while frames:
                frame = frames.pop(0)
                if frame.is_corrupt:
                    self.is_damaged = True
                    continue
                self.ticks.append(frame.pts)
                yield frame
