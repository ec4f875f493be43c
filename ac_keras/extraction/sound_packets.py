"""A sound track's packets, of which some may be broken."""

from collections.abc import Iterator

from ac_keras.extraction.media_container import import_av

# Hz. What lies outside is a broken header; its samples would become millions.
RATES = range(1000, 1_000_001)


class PacketReader:
    """Decodes a track packet by packet, leaving out what does not decode.

    Args:
        container: An open `av` container.
        stream: Its stream.
    """

    def __init__(self, container, stream):
        self._container, self._stream = container, stream
        self._num_packets = self._num_bad = self._num_odd = 0
        self._end = ""

    def decode(self) -> Iterator:
        """Yields the frames that decode, each an `av.AudioFrame`."""
        for packet in self._packets():
            for frame in self._frames(packet):
                if frame.sample_rate in RATES:
                    yield frame
                else:
                    self._num_odd += 1

    def damage(self) -> list[str]:
        """Tells what was left out so far, in words."""
        words = []
        if self._num_bad:
            bad, count = self._num_bad, self._num_packets
            words.append(f"{bad} of {count} packets do not decode")
        if self._num_odd:
            words.append(f"{self._num_odd} frames have an impossible rate")
        return words + [self._end] * bool(self._end)

    def _packets(self):
        av = import_av()

        while True:
            try:
                yield from self._container.demux(self._stream)
                return
            except IndexError:
                pass  # PyAV's end of a file in which a track began midway
            except av.FFmpegError as error:
                self._end = f"reading ends with {error}"
                yield None  # the decoder gives what it still holds
                return

    def _frames(self, packet):
        av = import_av()

        full = packet is not None and packet.size > 0
        self._num_packets += full
        try:
            frames = self._stream.decode(packet)
        except av.FFmpegError:
            self._num_bad += full
            return []
        self._num_bad += full and packet.is_corrupt
        return frames
