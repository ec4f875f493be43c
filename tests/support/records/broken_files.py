"""Files of records, broken in every way, with what is left of them."""

import dataclasses
import os
import struct

from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import read_records
from support.records.plain_records import serialize
from support.records.plain_records import write_records

HEADER = 12
FRAMING = 16


def record_places(path):
    """The first byte of each record and, last, the file's size."""
    places = [0]
    for record in read_records(path):
        places.append(places[-1] + FRAMING + len(record))
    return places


def flip(path, place):
    """Changes one bit of one byte."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def cut(path, size):
    """Keeps the first bytes."""
    path.write_bytes(path.read_bytes()[:size])


def set_length(path, place, length):
    """Writes another length, whose checksum is then wrong."""
    data = bytearray(path.read_bytes())
    data[place : place + 8] = struct.pack("<Q", length)
    path.write_bytes(data)


def replace_record(path, index, record):
    """Puts a record with sound checksums in another one's place."""
    records = read_records(path)
    records[index] = record
    write_records(path, records)


def with_shards(manifest, shards):
    """The manifest with other shards of its only split."""
    split = dataclasses.replace(manifest.split("train"), shards=tuple(shards))
    return dataclasses.replace(manifest, splits={"train": split})


def with_true_sizes(manifest):
    """The manifest with the sizes that its files have now."""
    shards = [
        dataclasses.replace(shard, num_bytes=os.path.getsize(path))
        for shard, path in zip(
            manifest.split("train").shards, manifest.paths("train"), strict=True
        )
    ]
    return with_shards(manifest, shards)


def with_num_clips(manifest, num_clips):
    """The manifest with another number of clips in the first file."""
    first, *others = manifest.split("train").shards
    first = dataclasses.replace(first, num_clips=num_clips)
    return with_shards(manifest, [first, *others])


FRAME = [1, 2, 3]


def _record(labels, frame=FRAME):
    return serialize(make_example("odd", labels, rgb=pack([frame])))


UNUSABLE = {  # Sound checksums around what cannot be a clip of three numbers.
    "no example": (
        b"\x07\xffgarbage",
        "a record that is no message of its format",
    ),
    "no example in ASCII": (
        b"garbage",
        "a record that is no message of its format",
    ),
    "a label too high": (
        _record([4]),
        "Expected labels from 0 to 3. Received: 4 in clips odd",
    ),
    "a label below zero": (
        _record([-1]),
        "Expected labels from 0 to 3",
    ),
    "two labels": (
        _record([1, 2]),
        "Expected labels of one class a clip",
    ),
    "NaN": (
        _record([0], [1, "nan", 3]),
        "Expected finite features of modality 'rgb'",
    ),
    "infinity": (
        _record([0], [1, "-inf", 3]),
        "Expected finite features of modality 'rgb'",
    ),
    "half a frame": (
        serialize(make_example("odd", [0], rgb=pack([FRAME])[:-2])),
        "Expected a whole number of frames of 12 bytes",
    ),
    "another modality": (
        serialize(make_example("odd", [0], video=pack([FRAME]))),
        "rgb",
    ),
}
