"""Training: the order of clips, and the frames sampled of them."""

import itertools
import json

import keras
import numpy as np
import pytest

from ac_keras.pipeline import steps_per_epoch
from ac_keras.pipeline import training_batches
from support.programs import output_of
from support.programs import run_program
from support.records import epoch_reading
from support.records.drawn_dataset import THREE
from support.records.drawn_dataset import describe
from support.records.drawn_dataset import draw_clips
from support.records.drawn_dataset import write_dataset
from support.records.drawn_dataset import write_numbered
from support.records.epoch_reading import clips_of
from support.records.epoch_reading import describe_epochs
from support.records.epoch_reading import frames_of
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
def test_every_epoch_draws_other_frames_of_a_clip_and_a_place(
    manifest, in_memory
):
    epochs = read_epochs(manifest, 2, 5, sample_size=4, in_memory=in_memory)
    first, second = map(frames_of, epochs)
    assert sum(first[clip] == second[clip] for clip in range(NUM_CLIPS)) < 3
    assert len(set(map(tuple, first.values()))) > 17  # clips differ too
    places = zip(*epochs, strict=True)
    assert sum(one == two for (_, one), (_, two) in places) < 3
    for frames in (*first.values(), *second.values()):
        assert len(frames) == 4
        assert frames == sorted(set(frames))
        assert set(frames) <= set(range(LONG))


@each_store
def test_another_seed_has_another_order_and_other_frames(manifest, in_memory):
    (first,), (second,) = (
        read_epochs(
            manifest, 1, 5, sample_size=4, seed=seed, in_memory=in_memory
        )
        for seed in (0, 1)
    )
    assert clips_of(first) != clips_of(second)
    first, second = frames_of(first), frames_of(second)
    assert sum(first[clip] == second[clip] for clip in range(20)) < 3


@each_store
def test_all_frames_are_drawn_in_the_long_run(one_file, in_memory):
    epochs = read_epochs(one_file, 20, 20, sample_size=4, in_memory=in_memory)
    drawn = [frames_of(epoch)[7] for epoch in epochs]
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


@each_store
@pytest.mark.parametrize("first_epoch", [1, 3])
def test_starting_with_an_epoch_is_skipping_those_before_it(
    manifest, in_memory, first_epoch
):
    kwargs = {"sample_size": 4, "seed": 2, "in_memory": in_memory}
    everything = read_epochs(manifest, first_epoch + 2, **kwargs)
    resumed = read_epochs(manifest, 2, first_epoch=first_epoch, **kwargs)
    assert resumed == everything[first_epoch:]


@pytest.mark.parametrize("shuffle_buffer", [1, 4])
def test_a_small_buffer_loses_no_clip(manifest, shuffle_buffer):
    epochs = read_epochs(manifest, 2, 5, shuffle_buffer=shuffle_buffer)
    for epoch in epochs:
        assert sorted(clips_of(epoch)) == list(range(NUM_CLIPS))


def test_files_are_read_in_another_order_every_epoch(tmp_path):
    manifest = write_numbered(tmp_path, (1,) * NUM_CLIPS)
    epochs = read_epochs(manifest, 4, 5, shuffle_buffer=1)
    orders = [clips_of(epoch) for epoch in epochs]
    assert len(set(map(tuple, orders))) == 4


def test_clips_of_many_files_are_mixed_without_a_buffer(tmp_path):
    manifest = write_numbered(tmp_path, (5, 5, 5, 5))
    (epoch,) = read_epochs(manifest, 1, 4, shuffle_buffer=1)
    files = [clip // 5 for clip in clips_of(epoch)[:4]]
    assert sorted(files) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("batch_size", "steps"), [(1, 20), (3, 6), (10, 2), (11, 1), (20, 1)]
)
def test_steps_per_epoch_are_the_whole_batches(one_file, batch_size, steps):
    assert steps_per_epoch(one_file, "train", batch_size) == steps
