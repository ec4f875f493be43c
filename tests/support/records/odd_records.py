"""Videos' records as other writers may lay them out, and broken ones."""

import numpy as np

from support.records.foreign_records import VIDEO_MODALITIES


def _varint(number, padding=0):
    """A number in groups of seven bits, with needless ones at the end."""
    data = []
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data = [*data, number]
    for _ in range(padding):
        data[-1] |= 128
        data.append(0)
    return bytes(data)


def _field(rng, number, payload):
    padding = int(rng.random() < 0.02)
    return bytes([number << 3 | 2]) + _varint(len(payload), padding) + payload


def _sometimes(rng, share, value):
    return value if rng.random() < share else b""


def _frame(rng, size):
    if rng.random() < 0.02:
        size = int(rng.integers(0, 2 * size))
    value = _field(rng, 1, rng.bytes(size))
    value *= 1 if rng.random() > 0.01 else int(rng.integers(0, 3))
    kind = 1 if rng.random() > 0.01 else int(rng.integers(1, 4))
    return _field(rng, 1, _field(rng, kind, value))


def _entry(rng, key, value):
    parts = [_field(rng, 1, key), _field(rng, 2, value)]
    if rng.random() < 0.04:
        parts = parts[::-1]
    if rng.random() < 0.03:
        del parts[int(rng.integers(2))]
    return _field(rng, 1, b"".join(parts) + _sometimes(rng, 0.02, b"\x78\x01"))


def _labels(rng):
    numbers = b"".join(_varint(int(x)) for x in rng.integers(0, 3900, 3))
    if rng.random() < 0.5:
        return _field(rng, 3, _field(rng, 1, numbers))
    return _field(rng, 3, b"\x08\x05\x08\x90\x01")  # not packed


def _context(rng):
    entries = [_entry(rng, b"id", _field(rng, 1, _field(rng, 1, b"a")))]
    if rng.random() < 0.9:
        entries.append(_entry(rng, b"labels", _labels(rng)))
    if rng.random() < 0.2:
        entries.append(_entry(rng, b"more", _field(rng, 2, b"")))
    if rng.random() < 0.05:
        entries.append(entries[int(rng.integers(len(entries)))])
    rng.shuffle(entries)
    return _field(rng, 1, b"".join(entries))


def _lists(rng):
    entries = []
    for name, dim in VIDEO_MODALITIES.items():
        for _ in range(1 if rng.random() > 0.04 else 2):
            count = int(rng.integers(0, 6))
            frames = b"".join(_frame(rng, dim) for _ in range(count))
            entries.append(_entry(rng, name.encode(), frames))
    if rng.random() < 0.05:
        entries.append(_entry(rng, b"more", b""))
    if rng.random() < 0.05:
        del entries[0]
    rng.shuffle(entries)
    return _field(rng, 2, b"".join(entries))


def draw_record(rng: np.random.Generator) -> bytes:
    """A record as others may write it; in some a frame or a key is wrong."""
    parts = [_context(rng), _lists(rng)]
    if rng.random() < 0.05:
        parts = parts[::-1]
    if rng.random() < 0.05:
        parts.insert(int(rng.integers(3)), parts[int(rng.integers(2))])
    if rng.random() < 0.03:
        parts.append(b"\x78\x01")
    return b"".join(parts)


def damage(rng: np.random.Generator, record: bytes) -> bytes:
    """Cuts a record or turns one of its bits."""
    place = int(rng.integers(len(record)))
    if rng.random() < 0.5:
        return record[:place]
    turned = record[place] ^ 1 << int(rng.integers(8))
    return record[:place] + bytes([turned]) + record[place + 1 :]
