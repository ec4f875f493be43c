"""Which numbers dropout drops, by seed, step and replica."""

import numpy as np
import pytest

import support.training.masks_on_replicas as program
from support.training.array_programs import arrays_of

pytestmark = [pytest.mark.programs, pytest.mark.versions]


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    return arrays_of("masks_on_replicas.py", tmp_path_factory.mktemp("masks"))


@pytest.mark.parametrize("count", [1, 2])
def test_about_as_much_is_dropped_as_the_rate_says(count, masks):
    kept = masks[f"{count}/first"]
    assert kept.shape == (program.STEPS, program.BATCH_SIZE, 2, program.WIDTH)
    assert 0.4 < kept.mean() < 0.6  # of 768


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["first", "parts", "another seed"])
def test_no_two_masks_are_the_same(name, count, masks):
    """By step, replica, part, clip and layer: 24 rows, all different."""
    rows = masks[f"{count}/{name}"].reshape(-1, program.WIDTH)
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize("count", [1, 2])
def test_masks_follow_from_the_seed_and_the_step(count, masks):
    first = masks[f"{count}/first"]
    np.testing.assert_array_equal(masks[f"{count}/again"], first)
    other = masks[f"{count}/another seed"]
    assert 0.3 < (other != first).mean() < 0.7
    later = masks[f"{count}/from the second step"]
    np.testing.assert_array_equal(later, masks[f"{count}/first"][1:])


def test_the_first_replica_draws_what_a_single_one_does(masks):
    half = program.BATCH_SIZE // 2
    one, two = masks["1/parts"][:, :half], masks["2/first"][:, :half]
    np.testing.assert_array_equal(one, two)


def test_compiled_steps_draw_anew_in_every_step(masks):
    rows = masks["1/compiled"].reshape(-1, program.WIDTH)
    assert len(np.unique(rows, axis=0)) == len(rows)
