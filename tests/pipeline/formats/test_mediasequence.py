"""Feature records of MediaSequence, read as they are."""

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.pipeline import Modality
from ac_keras.pipeline import parsing
from ac_keras.pipeline import training_batches
from support.records.external_records import VIDEO_MODALITIES
from support.records.external_records import assert_clip
from support.records.external_records import by_id
from support.records.external_records import describe_videos
from support.records.external_records import media_record
from support.records.external_records import read
from support.records.external_records import scan
from support.records.external_records import sequence_record

PREFIXES = {"rgb": "IMAGE", "audio": "AUDIO"}
LENGTHS = {"rgb": (3, 30, 1, 8), "audio": (2, 0, 40, 8)}
LABELS = (2, 0, 4, 4)


def describe(**kwargs):
    return describe_videos(
        "mediasequence",
        **{
            "class_names": tuple("abcde"),
            "modalities": {n: Modality(d) for n, d in VIDEO_MODALITIES.items()},
            "settings": {"prefixes": PREFIXES},
            "multi_label": False,
            **kwargs,
        },
    )


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    return {
        f"clip{i}": {
            name: rng.normal(size=(LENGTHS[name][i], dim)).astype("float32")
            for name, dim in VIDEO_MODALITIES.items()
            if LENGTHS[name][i]
        }
        for i in range(4)
    }


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, clips):
    rng = np.random.default_rng(1)
    shard = []
    for (id, frames), label in zip(clips.items(), LABELS, strict=True):
        frames = {PREFIXES[name]: x for name, x in frames.items()}
        record = media_record(rng, id, [label], frames, ["abcde"[label]])
        shard.append(record)
    directory = tmp_path_factory.mktemp("media")
    return scan(directory, describe(), train=[shard])


def parse(record, **kwargs):
    return parsing.parse_records(tf.constant([record]), describe(**kwargs))


@pytest.mark.parametrize("sample_size", [4, 50])
def test_evaluation_takes_frames_at_equal_intervals(
    manifest, clips, sample_size
):
    found = read(manifest, sample_size=sample_size, batch_size=3)
    assert list(found) == list(clips)
    assert [label for _, label in found.values()] == list(LABELS)
    for id, (features, _) in found.items():
        assert_clip(features, clips[id], sample_size, decode=lambda x: x)


@pytest.mark.parametrize("in_memory", [False, True])
def test_training_takes_frames_of_the_clip(manifest, clips, in_memory):
    batches = training_batches(
        manifest,
        batch_size=4,
        sample_size=5,
        in_memory=in_memory,
        with_ids=True,
    )
    found = by_id(batches.take(1))
    assert {id: label for id, (_, label) in found.items()} == dict(
        zip(clips, LABELS, strict=True)
    )
    rows, own = found["clip1"][0]["rgb"], clips["clip1"]["rgb"]
    drawn = [int(np.flatnonzero((own == x).all(axis=1))[0]) for x in rows]
    assert drawn == sorted(set(drawn))
    assert found["clip1"][0]["audio_num_frames"] == 0


def test_several_labels_are_ones_among_zeros():
    rng = np.random.default_rng(0)
    record = media_record(rng, "a", [1, 3], {"IMAGE": np.ones((1, 8))})
    labels = parse(record, multi_label=True)["labels"]
    assert labels.numpy().tolist() == [[0, 1, 0, 1, 0]]


@pytest.mark.parametrize(
    "settings, key",
    [
        ({}, "RGB/feature/floats"),
        ({"prefixes": {"rgb": ""}}, "feature/floats"),
    ],
)
def test_the_prefix_is_the_name_in_capitals_unless_told(settings, key):
    record = sequence_record(
        np.random.default_rng(0),
        {"example/id": [b"a"], "clip/label/index": [1]},
        {key: [[0.5] * 8] * 2},
    )
    parsed = parse(record, settings=settings)
    assert parsed["rgb"].to_list() == [[[0.5] * 8] * 2]


@pytest.mark.parametrize(
    "context, frames, message",
    [
        ({"example/id": []}, [[1.0] * 8], "one 'example/id'"),
        ({"clip/label/index": []}, [[1.0] * 8], "one class a clip"),
        ({"clip/label/index": [5]}, [[1.0] * 8], "labels from 0 to 4"),
        ({}, [[1.0] * 8, [1.0] * 7], "8 values of float32 in each frame"),
        ({}, [[1.0] * 8, [1] * 8], "IMAGE/feature/floats"),
    ],
    ids=["no id", "no label", "label", "dim", "dtype"],
)
def test_a_record_that_does_not_fit_is_refused(context, frames, message):
    good = {"example/id": [b"a"], "clip/label/index": [1]}
    record = sequence_record(
        np.random.default_rng(0),
        {**good, **context},
        {"IMAGE/feature/floats": frames},
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parse(record)


def test_stored_bytes_are_refused_by_the_description():
    bytes_stored = Modality(8, "uint8", (0.0, 1.0))
    with pytest.raises(ValueError, match="expects float32.*MediaSequence"):
        describe(modalities={"rgb": bytes_stored})
