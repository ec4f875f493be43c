"""What readers refuse, and what they refuse to read as if it were sound."""

import dataclasses
import re

import pytest
import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from support.records.drawn_dataset import write_numbered
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize
from support.records.plain_records import write_records

SHARD = "train-00000-of-00001.tfrecord"
GOOD = make_example("a", [3], rgb=pack([[1, 2, 3]]))


@pytest.fixture
def manifest(tmp_path):
    return write_numbered(tmp_path, (10,))


def read_once(manifest, reader):
    """Reads every clip once."""
    if reader == "evaluation":
        return list(evaluation_batches(manifest, "train", batch_size=2))
    batches = training_batches(
        manifest, batch_size=2, in_memory=reader == "in memory"
    )
    return list(batches.take(manifest.split("train").num_clips // 2))


each_reader = pytest.mark.parametrize(
    "reader", ["evaluation", "streamed", "in memory"]
)


def with_records(manifest, records):
    """The folder with other records, of which its manifest knows."""
    path = manifest.directory / SHARD
    write_records(path, map(serialize, records))
    shard = dataclasses.replace(
        manifest.split("train").shards[0],
        num_clips=len(records),
        num_bytes=path.stat().st_size,
    )
    split = dataclasses.replace(manifest.split("train"), shards=(shard,))
    return dataclasses.replace(manifest, splits={"train": split})


@each_reader
def test_sound_records_of_others_are_read(manifest, reader):
    other = with_records(manifest, [GOOD, GOOD])
    ((features, labels),) = read_once(other, reader)
    assert labels.numpy().tolist() == [3, 3]
    assert features["rgb"][0, 0].numpy().tolist() == [1, 2, 3]


@each_reader
def test_a_flipped_bit_is_an_error_and_not_another_number(manifest, reader):
    path = manifest.directory / SHARD
    data = bytearray(path.read_bytes())
    place = data.index(pack([(7, 2, 1)]))
    data[place + 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(tf.errors.DataLossError, match="corrupted"):
        read_once(Manifest.load(manifest.directory), reader)


FRAME = pack([[1, 2, 3]])
BAD = {
    "a label too high": (make_example("b", [4], rgb=FRAME), "labels"),
    "a label below zero": (make_example("b", [-1], rgb=FRAME), "labels"),
    "half a frame": (make_example("b", [0], rgb=FRAME[:-1]), "whole number"),
    "another layout": (make_example("b", [0], video=FRAME), "rgb"),
}


@each_reader
@pytest.mark.parametrize("bad, message", BAD.values(), ids=BAD)
def test_a_record_that_is_no_clip_is_an_error(manifest, reader, bad, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read_once(with_records(manifest, [GOOD, bad]), reader)


@pytest.mark.parametrize("batch_size", [11, 0, -1])
def test_a_batch_that_cannot_be_filled_is_refused(manifest, batch_size):
    message = f"batch_size={batch_size} for 10 clips in split 'train'"
    with pytest.raises(ValueError, match=f"Training expects.*{message}"):
        training_batches(manifest, batch_size=batch_size)


@each_reader
def test_an_unknown_modality_is_refused(manifest, reader):
    message = re.escape("among ['rgb'], which tiny has. Received: ['audio']")
    kwargs = {"batch_size": 2, "modalities": ["rgb", "audio"]}
    with pytest.raises(ValueError, match=message):
        if reader == "evaluation":
            evaluation_batches(manifest, "train", **kwargs)
        else:
            kwargs["in_memory"] = reader == "in memory"
            training_batches(manifest, **kwargs)


@pytest.mark.parametrize("read", [training_batches, evaluation_batches])
def test_an_unknown_split_is_refused(manifest, read):
    message = re.escape("['train']. Received: split='dev'")
    with pytest.raises(ValueError, match=message):
        read(manifest, "dev", batch_size=2)
