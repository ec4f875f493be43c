"""Batches of all readers, the order of evaluation, and what is rejected."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Clip
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import Modality
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import shards
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.records.broken_files import UNUSABLE
from support.records.broken_files import flip
from support.records.broken_files import with_num_clips
from support.records.broken_files import with_true_sizes
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import assert_clips
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import numbered_clips
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import READERS
from support.records.epoch_reading import batches_of
from support.records.external_records import by_id
from support.records.external_records import read
from support.records.plain_records import make_example
from support.records.plain_records import pack
from support.records.plain_records import serialize
from support.records.plain_records import write_records

SINGLE = {
    "float32": {"rgb": Modality(3)},
    "float16": {"rgb": Modality(3, "float16")},
    "uint8": {"rgb": Modality(3, "uint8", (-1.0, 7.0))},
    "three": THREE,
}
each_reader = pytest.mark.parametrize("reader", READERS)
READ = [
    *(("evaluation", layout, size) for layout in SINGLE for size in (0, 3, 9)),
    *((reader, "three", size) for reader in READERS[1:] for size in (0, 9)),
]


def write(directory, clips, description, per_shard=4):
    """A split whose files hold some of the clips each."""
    shards = [clips[i : i + per_shard] for i in range(0, len(clips), per_shard)]
    return write_dataset(directory, description, train=shards)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("reader, layout, sample_size", READ)
def test_batches_are_the_clips_written(
    tmp_path, reader, layout, multi_label, sample_size
):
    """In evaluation in their order, and fewer frames at equal intervals."""
    description = describe(SINGLE[layout], multi_label=multi_label)
    clips = draw_clips(description, 10)
    manifest = write(tmp_path, clips, description)
    kwargs = {"sample_size": sample_size, "with_ids": True}
    if reader == "evaluation":
        found = by_id(batches_of(manifest, reader, batch_size=3, **kwargs))
        assert list(found) == [clip.id for clip in clips]
    else:
        batches = batches_of(manifest, reader, batch_size=10, **kwargs)
        found = by_id(batches.take(1))
    assert_clips(found, clips, description, sample_size)


@each_reader
@pytest.mark.parametrize("sample_size", [0, 2])
def test_a_modality_that_no_clip_has_is_zeros(tmp_path, reader, sample_size):
    manifest = write(tmp_path, numbered_clips(1, 3), describe(THREE))
    batches = batches_of(
        manifest, reader, batch_size=3, sample_size=sample_size
    )
    features, _ = next(batches.as_numpy_iterator())
    assert features["audio"].shape == (3, max(sample_size, 1), 2)
    assert not features["audio"].any()
    assert features["audio_num_frames"].tolist() == [0, 0, 0]
    assert features["rgb"][:, :, 0].min() >= 1


@each_reader
def test_the_modalities_asked_for_are_read_and_no_others(tmp_path, reader):
    description = describe(THREE)
    clips = draw_clips(description, 5)
    manifest = write(tmp_path, clips, description)
    kwargs = {"modalities": ["flow", "rgb"], "with_ids": True}
    batches = batches_of(manifest, reader, batch_size=5, **kwargs)
    found = by_id(batches.take(1))
    assert set(found["clip-0-0"][0]) == {
        *("flow", "flow_num_frames"),
        *("rgb", "rgb_num_frames"),
    }
    assert_clips(found, clips, description.select(["flow", "rgb"]))


@each_reader
def test_every_pass_gives_the_same_batches_of_the_stated_types(
    tmp_path, reader
):
    description = describe(THREE)
    manifest = write(tmp_path, draw_clips(description, 8), description)
    batches = batches_of(manifest, reader, batch_size=3, sample_size=2).take(3)
    features, labels = batches.element_spec
    for name, modality in THREE.items():
        assert features[name].dtype == "float32"
        assert features[name].shape[-1] == modality.dim
        assert features[f"{name}_num_frames"].dtype == "int32"
    assert labels.dtype == "int32"
    first, second = (list(batches.as_numpy_iterator()) for _ in range(2))
    assert len(first) == 3
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


@pytest.mark.parametrize("batch_size", [1, 4, 5, 10, 11])
def test_the_dataset_tells_its_number_of_batches(tmp_path, batch_size):
    manifest = write(tmp_path, numbered_clips(0, 10), describe())
    batches = evaluation_batches(manifest, "train", batch_size=batch_size)
    expected = [min(batch_size, 10 - i) for i in range(0, 10, batch_size)]
    assert [len(labels) for _, labels in batches] == expected
    assert int(batches.cardinality()) == len(expected)


DIM = 4096


@pytest.mark.parametrize(
    "num_frames, expected", [(1, shards.BUFFER_BYTES), (5, 0)]
)
def test_records_of_64_kib_or_more_have_no_buffer_and_are_read_in_order(
    tmp_path, num_frames, expected
):
    description = describe({"rgb": Modality(DIM)})
    clips = [
        Clip(str(i), (0,), {"rgb": np.full((num_frames, DIM), 1.0 + i)})
        for i in range(6)
    ]
    manifest = write(tmp_path, clips, description, per_shard=3)
    runs = shards.shard_runs(manifest, "train")
    assert runs["buffer_bytes"].numpy().tolist() == [expected] * 2
    found = read(manifest)
    assert list(found) == [clip.id for clip in clips]
    assert_clips(found, clips, description)


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
