"""Reads serialized Examples field by field, without protobuf.

It knows messages in their plain form only: known fields, each message's own
order. Of others it says `NotPlain`; readers differ in what they make of those.
"""

KINDS = {1: "bytes", 2: "float", 3: "int64"}


class NotPlain(Exception):
    """Bytes that no plain writer of such a message gives."""


def fields(message):
    """Gives the number and the bytes of each field, all of them delimited."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        size, position = _varint(message, position)
        if tag & 7 != 2 or position + size > len(message):
            raise NotPlain
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message, position):
    """Reads a number below 2**14 or so, of no more bytes than it needs."""
    number, shift = 0, 0
    while True:
        if position >= len(message) or shift > 28:
            raise NotPlain
        byte = message[position]
        number |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            if byte == 0 and shift > 7:
                raise NotPlain
            return number, position


def map_entries(message):
    """Gives a map's entries by key: of equal keys the last one counts."""
    entries = {}
    for number, entry in fields(message):
        parts = list(fields(entry))
        if number != 1 or [x for x, _ in parts] != [1, 2]:
            raise NotPlain
        entries[parts[0][1]] = parts[1][1]
    for key in entries:
        try:
            key.decode()
        except UnicodeDecodeError:
            raise NotPlain from None  # Protobuf refuses such keys.
    return entries


def feature(message):
    """Gives a feature's kind and its bytes values; None for no kind."""
    parts = list(fields(message))
    if not parts:
        return None, []
    if len(parts) > 1 or parts[0][0] not in KINDS:
        raise NotPlain
    kind, values = KINDS[parts[0][0]], list(fields(parts[0][1]))
    if any(number != 1 for number, _ in values):
        raise NotPlain
    packed = b"".join(value for _, value in values)
    if kind != "bytes" and len(values) > 1:
        raise NotPlain
    if kind == "float" and len(packed) % 4:
        raise NotPlain
    if kind == "int64" and max(packed, default=0) > 127:
        raise NotPlain  # Numbers of several bytes, or half of one.
    return kind, [value for _, value in values]


def example(message):
    """Gives the features of an Example by key."""
    parts = list(fields(message))
    if [x for x, _ in parts] not in ([], [1]):
        raise NotPlain
    entries = map_entries(parts[0][1]) if parts else {}
    return {key: feature(value) for key, value in entries.items()}


def sequence_example(message):
    """Gives a SequenceExample's feature lists by key."""
    parts = list(fields(message))
    if [x for x, _ in parts] not in ([], [1], [2], [1, 2]):
        raise NotPlain
    parts = dict(parts)
    for value in map_entries(parts.get(1, b"")).values():
        feature(value)
    lists = {}
    for key, value in map_entries(parts.get(2, b"")).items():
        steps = list(fields(value))
        if any(number != 1 for number, _ in steps):
            raise NotPlain
        lists[key] = [feature(step) for _, step in steps]
    return lists
