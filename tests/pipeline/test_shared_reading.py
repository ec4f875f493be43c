"""Parts of batches for several hosts, which together are the whole batches."""

import pytest

from ac_keras.pipeline import evaluation_batches
from ac_keras.pipeline import training_batches
from support.records.compared_batches import as_arrays
from support.records.compared_batches import assert_same
from support.records.compared_batches import joined
from support.records.compared_batches import write_uneven

each_store = pytest.mark.parametrize("in_memory", [False, True])


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    return write_uneven(tmp_path_factory.mktemp("uneven"))


def train(manifest, share=(0, 1), **kwargs):
    arguments = {"batch_size": 6, "seed": 2, "with_ids": True, **kwargs}
    batches = training_batches(manifest, share=share, **arguments)
    return as_arrays(batches.take(7))


def evaluate(manifest, share=(0, 1), **kwargs):
    arguments = {"batch_size": 4, "with_ids": True, **kwargs}
    return as_arrays(
        evaluation_batches(manifest, "train", share=share, **arguments)
    )


@each_store
@pytest.mark.parametrize("sample_size", [0, 3])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_parts_of_a_training_batch_are_the_whole_bit_for_bit(
    uneven, in_memory, sample_size, count
):
    kwargs = {"in_memory": in_memory, "sample_size": sample_size}
    parts = [train(uneven, (index, count), **kwargs) for index in range(count)]
    assert {len(ids) for part in parts for _, ids in part} == {6 // count}
    assert_same(joined(parts), train(uneven, **kwargs))


@each_store
def test_parts_go_on_from_a_step(uneven, in_memory):
    kwargs = {"in_memory": in_memory, "sample_size": 2}
    later = {**kwargs, "first_epoch": 1, "first_step": 2}
    parts = [train(uneven, (index, 2), **later) for index in range(2)]
    assert_same(joined(parts), train(uneven, **later))


def test_clips_of_a_part_draw_other_frames_than_those_of_another(uneven):
    first, second = (
        train(uneven, (index, 2), sample_size=3) for index in (0, 1)
    )
    for (one, _), (two, _) in zip(first, second, strict=True):
        assert (one["flow"] != two["flow"]).any()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_evaluations_batches_go_round(uneven, count):
    whole = evaluate(uneven, sample_size=3)
    for index in range(count):
        part = evaluate(uneven, (index, count), sample_size=3)
        assert_same(part, whole[index::count])


def test_a_part_may_have_no_batch_to_evaluate(uneven):
    assert evaluate(uneven, (6, 7)) == []  # of six batches


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_every_part_tells_its_number_of_batches(uneven, count):
    for index in range(count):
        batches = evaluation_batches(
            uneven, "train", batch_size=4, share=(index, count)
        )
        assert batches.cardinality() == len(list(batches))


@pytest.mark.parametrize("share", [(2, 2), (-1, 2), (0, 4), (0, 0)])
def test_parts_that_are_not_equal_are_refused(uneven, share):
    with pytest.raises(ValueError, match="Expected share as"):
        train(uneven, share)
