"""Training: the order of clips, their frames, resumed readers and shards."""

import dataclasses
import itertools
import json

import keras
import numpy as np
import pytest

from ac_keras.pipeline import Clip
from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.programs import output_of
from support.programs import run_program
from support.records import epoch_reading
from support.records.broken_files import with_shards
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import draw_features
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import clips_of
from support.records.epoch_reading import describe_epochs
from support.records.epoch_reading import read_epochs

NUM_CLIPS = 20
LONG = 30  # frames, so that two draws of four hardly ever are the same
SHARD_SIZES = {"one file": (20,), "files": (6, 1, 8, 5)}
each_store = pytest.mark.parametrize("in_memory", [False, True])


@pytest.fixture(params=SHARD_SIZES)
def manifest(request, tmp_path):
    """20 numbered clips, in one file or in four of different sizes."""
    return write_numbered(tmp_path, SHARD_SIZES[request.param], LONG)


@pytest.fixture
def one_file(tmp_path):
    return write_numbered(tmp_path, (NUM_CLIPS,), LONG)


@each_store
def test_batches_are_whole_and_never_end(manifest, in_memory):
    batches = training_batches(manifest, batch_size=6, in_memory=in_memory)
    assert [len(labels) for _, labels in batches.take(25)] == [6] * 25


@each_store
def test_epochs_and_seeds_draw_other_frames_of_a_clip_and_a_place(
    manifest, in_memory
):
    kwargs = {"sample_size": 4, "in_memory": in_memory}
    first, second = read_epochs(manifest, 2, 5, seed=0, **kwargs)
    (other,) = read_epochs(manifest, 1, 5, seed=1, **kwargs)
    assert clips_of(first) != clips_of(other)
    drawn = dict(first)
    assert len(set(map(tuple, drawn.values()))) > 17  # clips differ too
    for epoch in (second, other):
        assert sum(drawn[clip] == frames for clip, frames in epoch) < 3
        places = zip(first, epoch, strict=True)
        assert sum(one == two for (_, one), (_, two) in places) < 3
    for _, frames in (*first, *second):
        assert len(frames) == 4
        assert frames == sorted(set(frames))
        assert set(frames) <= set(range(LONG))


@each_store
def test_all_frames_are_drawn_in_the_long_run(one_file, in_memory):
    epochs = read_epochs(one_file, 20, 20, sample_size=4, in_memory=in_memory)
    drawn = [dict(epoch)[7] for epoch in epochs]
    assert len(set(sum(drawn, []))) > LONG * 0.75


@each_store
def test_modalities_draw_their_frames_apart(tmp_path, in_memory):
    description = describe({"rgb": THREE["rgb"], "flow": THREE["rgb"]})
    clips = draw_clips(description, 6)
    numbers = np.arange(LONG * 3, dtype="float32").reshape(LONG, 3)
    for clip in clips:
        clip.frames.update(rgb=numbers, flow=numbers)
    manifest = write_dataset(tmp_path, description, train=[clips])
    batches = training_batches(
        manifest, batch_size=6, sample_size=4, in_memory=in_memory
    )
    features, _ = next(batches.as_numpy_iterator())
    differ = np.any(features["rgb"] != features["flow"], axis=(1, 2))
    assert differ.sum() > 4


@each_store
@pytest.mark.parametrize("batch_size, num_clips", [(3, 18), (5, 20)])
def test_an_epoch_has_whole_clips_at_most_once_in_another_order(
    manifest, in_memory, batch_size, num_clips
):
    kwargs = {"sample_size": 0, "in_memory": in_memory}
    epochs = read_epochs(manifest, 4, batch_size, **kwargs)
    for epoch in epochs:
        clips = clips_of(epoch)
        assert len(set(clips)) == len(clips) == num_clips
        assert set(clips) <= set(range(NUM_CLIPS))
        for _, frames in epoch:
            assert frames == list(range(LONG))
    orders = [clips_of(epoch) for epoch in epochs]
    for first, second in itertools.combinations(orders, 2):
        same = sum(x == y for x, y in zip(first, second, strict=True))
        assert same < NUM_CLIPS / 2
    assert list(range(NUM_CLIPS)) not in orders


@each_store
def test_every_epoch_leaves_out_other_clips(manifest, in_memory):
    epochs = read_epochs(manifest, 30, in_memory=in_memory)
    left_out = [set(range(NUM_CLIPS)) - set(clips_of(x)) for x in epochs]
    assert all(len(clips) == 2 for clips in left_out)
    assert len(set.union(*left_out)) > NUM_CLIPS / 2


@pytest.mark.programs
def test_a_new_process_reads_the_same_epochs(tmp_path):
    write_numbered(tmp_path, SHARD_SIZES["files"], LONG)
    output = output_of(run_program(epoch_reading.__file__, tmp_path))
    expected = json.loads(json.dumps(describe_epochs(tmp_path)))
    assert json.loads(output) == expected


@each_store
@pytest.mark.parametrize("global_seed", [0, 1, 2**32 - 1])
def test_the_programs_own_seed_does_not_matter(
    manifest, in_memory, global_seed
):
    kwargs = {"sample_size": 4, "in_memory": in_memory, "seed": 5}
    keras.utils.set_random_seed(12)
    expected = read_epochs(manifest, **kwargs)
    keras.utils.set_random_seed(global_seed)
    assert read_epochs(manifest, **kwargs) == expected
    assert len(set(clips_of(expected[0]))) == 18


def test_files_are_read_in_another_order_every_epoch(tmp_path):
    manifest = write_numbered(tmp_path, (1,) * NUM_CLIPS)
    epochs = read_epochs(manifest, 4, 5, shuffle_buffer=1)
    orders = [clips_of(epoch) for epoch in epochs]
    assert len(set(map(tuple, orders))) == 4


def test_clips_of_many_files_are_mixed_without_a_buffer(tmp_path):
    manifest = write_numbered(tmp_path, (5, 5, 5, 5))
    (epoch,) = read_epochs(manifest, 1, 4, shuffle_buffer=1)
    clips = clips_of(epoch)
    assert sorted(clip // 5 for clip in clips[:4]) == [0, 1, 2, 3]
    assert sorted(clips) == list(range(20))


@pytest.mark.parametrize(
    ("batch_size", "steps"), [(1, 20), (3, 6), (10, 2), (11, 1), (20, 1)]
)
def test_steps_per_epoch_are_the_whole_batches(one_file, batch_size, steps):
    assert steps_per_epoch(one_file, "train", batch_size) == steps


LENGTHS = (1, 40, 2, 0, 5, 17)  # frames, in turns; of rgb at least one


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Clips of three modalities whose lengths have little in common."""
    rng, description = np.random.default_rng(3), describe(THREE)
    clips = []
    for number in range(21):
        lengths = np.roll(LENGTHS, number)
        frames = {
            name: draw_features(rng, length or int(name == "rgb"), modality)
            for (name, modality), length in zip(
                THREE.items(), lengths[: len(THREE)].tolist(), strict=True
            )
        }
        clips.append(Clip(f"clip-{number}", (number % 4,), frames))
    shards = [clips[:7], clips[7:8], clips[8:17], clips[17:]]
    directory = tmp_path_factory.mktemp("uneven")
    return write_dataset(directory, description, train=shards)


def as_arrays(batches):
    """A list of mappings: all arrays of a batch."""
    return [
        {**features, "labels": labels, "ids": ids}
        for features, labels, ids in batches.as_numpy_iterator()
    ]


def assert_same(first, second):
    """Compares two lists of batches bit for bit."""
    for one, two in zip(first, second, strict=True):
        assert list(one) == list(two)
        for name in one:
            np.testing.assert_array_equal(one[name], two[name], err_msg=name)
            assert one[name].dtype == two[name].dtype


def joined(parts):
    """The parts of each batch, one below the other."""
    return [
        {name: np.concatenate([x[name] for x in arrays]) for name in arrays[0]}
        for arrays in zip(*parts, strict=True)
    ]


BATCH_SIZE = 4
STEPS = 5  # of 21 clips


def read(manifest, num_batches, **kwargs):
    arguments = {"batch_size": BATCH_SIZE, "seed": 5, "with_ids": True}
    batches = training_batches(manifest, **{**arguments, **kwargs})
    arrays = as_arrays(batches.take(num_batches))
    assert len(arrays) == num_batches
    return arrays


CASES = [(None, 0), (None, 3), (("flow",), 3)]


@pytest.fixture(scope="module")
def whole(uneven):
    """Three epochs, by store and by modalities and number of frames."""
    return {
        (in_memory, *case): read(
            uneven,
            3 * STEPS,
            in_memory=in_memory,
            modalities=case[0],
            sample_size=case[1],
        )
        for in_memory in (False, True)
        for case in CASES
    }


@each_store
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(
    "place", [(0, 0), (0, 1), (0, STEPS - 1), (0, STEPS), (1, 3), (2, 0)]
)
def test_reading_goes_on_from_an_epoch_and_a_step(
    uneven, whole, in_memory, case, place
):
    epoch, step = place
    done = epoch * STEPS + step
    assert steps_per_epoch(uneven, "train", BATCH_SIZE) == STEPS
    rest = read(
        uneven,
        3 * STEPS - done,
        in_memory=in_memory,
        modalities=case[0],
        sample_size=case[1],
        first_epoch=epoch,
        first_step=step,
    )
    expected = whole[in_memory, *case]
    assert len({tuple(x["ids"]) for x in expected}) == 3 * STEPS
    assert_same(rest, expected[done:])


def places_ahead(epoch):
    """By how many places each clip of a file comes sooner than in it."""
    return [clip - place for place, clip in enumerate(clips_of(epoch))]


@pytest.mark.parametrize("buffer", [1, 3, 8])
def test_no_clip_is_lost_or_comes_sooner_than_the_buffer_holds(
    tmp_path, buffer
):
    """The shuffle buffer bounds how far ahead files are read."""
    manifest = write_numbered(tmp_path, (40,))
    for epoch in read_epochs(manifest, 3, 4, shuffle_buffer=buffer):
        ahead = places_ahead(epoch)
        assert max(ahead) < buffer
        assert buffer == 1 or max(ahead) > 0
        assert sorted(clips_of(epoch)) == list(range(40))


def test_large_clips_get_a_smaller_buffer(tmp_path):
    """By the bytes that the manifest tells: 40 clips of 64 MiB each."""
    manifest = write_numbered(tmp_path, (40,))
    (shard,) = manifest.split("train").shards
    shard = dataclasses.replace(shard, num_bytes=40 * 64 * 2**20)
    (epoch,) = read_epochs(with_shards(manifest, [shard]), 1, 2)
    assert 0 < max(places_ahead(epoch)) < 4
    (epoch,) = read_epochs(manifest, 1, 2)
    assert max(places_ahead(epoch)) > 10


@each_store
@pytest.mark.parametrize("sample_size", [0, 3])
@pytest.mark.parametrize(
    "count, place", [(2, (0, 0)), (2, (1, 2)), (3, (0, 0)), (6, (0, 0))]
)
def test_parts_of_a_training_batch_are_the_whole_bit_for_bit(
    uneven, in_memory, sample_size, count, place
):
    kwargs = {"in_memory": in_memory, "sample_size": sample_size}
    kwargs |= {"batch_size": 6, "seed": 2}
    kwargs |= {"first_epoch": place[0], "first_step": place[1]}
    parts = [read(uneven, 7, shard=(i, count), **kwargs) for i in range(count)]
    assert {len(x["ids"]) for part in parts for x in part} == {6 // count}
    assert_same(joined(parts), read(uneven, 7, **kwargs))
    if sample_size:  # Clips of a part draw other frames than another part's.
        for one, two in zip(*parts[:2], strict=True):
            assert (one["flow"] != two["flow"]).any()


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_evaluations_batches_go_round(uneven, count):
    kwargs = {"batch_size": 4, "sample_size": 3, "with_ids": True}
    whole = as_arrays(evaluation_batches(uneven, "train", **kwargs))
    assert len(whole) == 6
    for index in range(count):
        batches = evaluation_batches(
            uneven, "train", shard=(index, count), **kwargs
        )
        part, expected = as_arrays(batches), whole[index::count]
        assert batches.cardinality() == len(expected)
        assert_same(part, expected)


@pytest.mark.parametrize("shard", [(2, 2), (-1, 2), (0, 4), (0, 0)])
def test_parts_that_are_not_equal_are_refused(uneven, shard):
    with pytest.raises(ValueError, match="Expected shard as"):
        read(uneven, 1, batch_size=6, shard=shard)
