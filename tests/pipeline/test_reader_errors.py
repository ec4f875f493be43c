"""Datasets and arguments that readers reject."""

import re

import pytest
import tensorflow as tf

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.broken_files import UNUSABLE
from support.records.broken_files import flip
from support.records.broken_files import with_num_clips
from support.records.broken_files import with_true_sizes
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import READERS
from support.records.epoch_reading import batches_of
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize
from support.records.plain_records import write_records

SHARD = "train-00000-of-00001.tfrecord"


@pytest.fixture
def manifest(tmp_path):
    return write_numbered(tmp_path, (10,))


def read_once(manifest, reader, batch_size=2):
    """Reads every clip once."""
    batches = batches_of(manifest, reader, batch_size=batch_size)
    if reader == "evaluation":
        return list(batches)
    return list(batches.take(steps_per_epoch(manifest, "train", batch_size)))


each_reader = pytest.mark.parametrize("reader", READERS)


def with_records(manifest, records):
    """The folder with other records, of which its manifest knows."""
    write_records(manifest.directory / SHARD, records)
    return with_true_sizes(with_num_clips(manifest, len(records)))


GOOD = serialize(make_example("a", [3], rgb=pack([[1, 2, 3]])))


@each_reader
def test_valid_records_of_others_are_read(manifest, reader):
    other = with_records(manifest, [GOOD, GOOD])
    ((features, labels),) = read_once(other, reader)
    assert labels.numpy().tolist() == [3, 3]
    assert features["rgb"][0, 0].numpy().tolist() == [1, 2, 3]


@each_reader
def test_a_flipped_bit_is_an_error_and_not_another_number(manifest, reader):
    path = manifest.directory / SHARD
    flip(path, path.read_bytes().index(pack([(7, 2, 1)])) + 2)
    with pytest.raises(tf.errors.DataLossError, match="corrupted"):
        read_once(Manifest.load(manifest.directory), reader)


@each_reader
@pytest.mark.parametrize(
    "kind",
    [
        "a label too high",
        "a label below zero",
        "half a frame",
        "another modality",
    ],
)
def test_a_record_that_is_no_clip_is_an_error(manifest, reader, kind):
    record, reason = UNUSABLE[kind]
    message = reason.partition(".")[0]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        read_once(with_records(manifest, [GOOD, record]), reader)


@pytest.mark.parametrize("batch_size", [11, 0, -1])
def test_a_batch_that_cannot_be_filled_is_refused(manifest, batch_size):
    message = f"batch_size={batch_size} for 10 clips in split 'train'"
    with pytest.raises(ValueError, match=f"Training expects.*{message}"):
        training_batches(manifest, batch_size=batch_size)


@each_reader
@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"modalities": ["rgb", "audio"]},
            "among ['rgb'], which tiny has. Received: ['audio']",
        ),
        ({"split": "dev"}, "['train']. Received: split='dev'"),
    ],
)
def test_unknown_modalities_and_splits_are_refused(
    manifest, reader, arguments, message
):
    with pytest.raises(ValueError, match=re.escape(message)):
        batches_of(manifest, reader, **arguments)


@each_reader
@pytest.mark.parametrize("stated", [9, 11])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_another_number_of_clips_than_the_manifests_is_an_error(
    manifest, reader, stated, batch_size
):
    assert read_once(manifest, reader, batch_size)
    wrong = with_num_clips(manifest, stated)
    with pytest.raises(tf.errors.FailedPreconditionError, match="10|9|11"):
        read_once(wrong, reader, batch_size)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("sample_size", [0, 2])
def test_numbers_that_are_not_finite_name_their_clips(
    manifest, bad, sample_size
):
    records = [
        serialize(make_example(f"c{i}", [0], rgb=pack([[i, i, value]] * 3)))
        for i, value in enumerate([0, bad, 2, 3, bad, 5])
    ]
    other = with_records(manifest, records)
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        list(
            evaluation_batches(
                other, "train", batch_size=6, sample_size=sample_size
            )
        )
    said = str(raised.value)
    assert "Expected finite features of modality" in said and "rgb" in said
    assert "c1" in said and "c4" in said and "c2" not in said
