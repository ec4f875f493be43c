"""The frames of a video track, decoded."""

from collections.abc import Iterator

from ac_keras.extraction.media_container import import_av
from ac_keras.extraction.media_container import packets_of


class DecodedFrames:
    """Decodes a track's frames, in the order in which they are shown.

    What is damaged is left out, up to the next key frame: until there, frames
    refer to what is lost, and FFmpeg shows what nobody filmed.

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
        self._waits, self._lost_tick = False, None

    def __iter__(self) -> Iterator:
        """Gives PyAV's `VideoFrame`s; none is kept."""
        ffmpeg_error = import_av().error.FFmpegError
        for packet in packets_of(self._container, self._stream):
            # None comes for an end that is none, and asks the decoder for
            # what it still holds.
            if packet is None or packet.is_corrupt:
                self._lose(packet)
            try:
                frames = self._stream.decode(packet)
            except ffmpeg_error:
                self._lose(packet)
                continue
            while frames:
                frame = frames.pop(0)
                if self._is_whole(frame):
                    self.ticks.append(frame.pts)
                    yield frame

    def _lose(self, packet):
        self.is_damaged = self._waits = True
        self._lost_tick = None if packet is None else packet.pts

    def _is_whole(self, frame):
        if frame.is_corrupt:
            self.is_damaged = self._waits = True
            self._lost_tick = frame.pts
        elif self._waits and frame.key_frame:
            # One that is shown before the loss was decoded before it.
            ticks = frame.pts, self._lost_tick
            self._waits = None not in ticks and ticks[0] <= ticks[1]
        return not self._waits
