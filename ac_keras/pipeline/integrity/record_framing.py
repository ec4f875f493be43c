"""The framing of records in TFRecord files, without their content.

A record is its length (uint64), the masked CRC-32C of the length, the data and
their masked CRC-32C, all little-endian. TensorFlow checks both, but takes a
file that ends within a length or its checksum for a complete one, and reads no
further where a length is wrong.
"""

import array
import os
import pathlib
import struct

import numpy as np

LENGTH_BYTES = 8
HEADER_BYTES = 12
FRAMING_BYTES = 16
_SEARCHED_AT_ONCE = 1 << 18
_POLYNOMIAL = 0x82F63B78  # of CRC-32C
_MASK_DELTA = 0xA282EAD8


def describe_break(path: str | os.PathLike, offset: int) -> str | None:
    """Describes the error in the framing of the record at an offset.

    Returns None if the length fits the file, so that only the record's data
    can be wrong.
    """
    left = pathlib.Path(path).stat().st_size - offset
    with open(path, "rb") as file:
        file.seek(offset)
        header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return (
            f"a record cut off after {left} of its first {HEADER_BYTES} bytes"
        )
    if not len(_header_places(header)):
        return "a record whose length has a wrong checksum"
    size = FRAMING_BYTES + _length(header)
    if size > left:
        return f"a record cut off after {left} of {size} bytes"
    return None


def record_end(path: str | os.PathLike, offset: int) -> int:
    """Returns the byte behind the record at an offset, by its length."""
    with open(path, "rb") as file:
        file.seek(offset)
        return offset + FRAMING_BYTES + _length(file.read(LENGTH_BYTES))


def record_starts(path: str | os.PathLike) -> tuple[np.ndarray, bool]:
    """Finds a file's records by their lengths.

    Returns:
        The first bytes of the records, int64 `(num_records,)`, and whether
        the last record ends where the file does.
    """
    size, starts, end = pathlib.Path(path).stat().st_size, array.array("q"), 0
    with open(path, "rb", buffering=0) as file:
        while end < size:
            starts.append(end)
            header = file.read(LENGTH_BYTES)
            if len(header) < LENGTH_BYTES:
                return np.asarray(starts), False
            end += FRAMING_BYTES + _length(header)
            file.seek(min(end, size))
    return np.asarray(starts), end == size


def find_record(path: str | os.PathLike, offset: int) -> int:
    """Returns the first place from an offset on where a record may begin.

    That is a place whose length fits into the file and has a correct
    checksum, or the end of the file if there is none.
    """
    size = pathlib.Path(path).stat().st_size
    with open(path, "rb") as file:
        while offset + FRAMING_BYTES <= size:
            file.seek(offset)
            data = file.read(_SEARCHED_AT_ONCE)
            for place in _header_places(data):
                start = offset + int(place)
                length = _length(data[place:])
                if start + FRAMING_BYTES + length <= size:
                    return start
            # The last places are read again, as their headers were cut off.
            offset += max(len(data) - HEADER_BYTES + 1, 1)
    return size


def _length(header):
    return struct.unpack_from("<Q", header)[0]


def _header_places(data):
    """Returns the places of 8 bytes that their checksum follows."""
    count = len(data) - HEADER_BYTES + 1
    if count < 1:
        return np.zeros(0, np.int64)
    numbers = np.frombuffer(data, np.uint8)
    crc = np.full(count, 0xFFFFFFFF, np.uint32)
    for index in range(LENGTH_BYTES):
        crc = _TABLE[(crc & 255) ^ numbers[index : index + count]] ^ (crc >> 8)
    crc ^= np.uint32(0xFFFFFFFF)
    masked = ((crc >> 15) | (crc << 17)) + np.uint32(_MASK_DELTA)
    found = np.zeros(count, np.uint32)
    for index in range(HEADER_BYTES - LENGTH_BYTES):
        first = LENGTH_BYTES + index
        found |= numbers[first : first + count].astype(np.uint32) << (8 * index)
    return np.flatnonzero(masked == found)


def _make_table():
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> 1) ^ np.where(table & 1, _POLYNOMIAL, 0)
    return table.astype(np.uint32)


_TABLE = _make_table()
