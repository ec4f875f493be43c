"""AttendedKinds: which kinds of frames units attend to."""

import numpy as np
import pytest

from digit_attention import AttendedKinds
from digit_attention import favourite_kinds
from support.flash_mnist.attended_frames import CLIPS
from support.flash_mnist.attended_frames import FRAMES
from support.flash_mnist.attended_frames import KINDS
from support.flash_mnist.attended_frames import UNITS
from support.flash_mnist.attended_frames import draw_kinds
from support.flash_mnist.attended_frames import draw_weights
from support.flash_mnist.attended_frames import table_of


def measure(*batches):
    found = AttendedKinds(UNITS, KINDS)
    for weights, kinds in batches:
        found.update(weights, kinds)
    return found


@pytest.fixture
def weights():
    return draw_weights()


@pytest.fixture
def kinds():
    return draw_kinds()


def test_the_table_is_the_mean_over_clips_with_the_kind(weights, kinds):
    table = measure((weights, kinds)).table()
    assert table.shape == (KINDS, UNITS)
    np.testing.assert_allclose(table, table_of(weights, kinds), rtol=1e-12)


def test_clips_are_counted_for_the_kinds_that_they_have(weights, kinds):
    counts = measure((weights, kinds)).clip_counts
    expected = [sum(clip[:, k].any() for clip in kinds) for k in range(KINDS)]
    assert counts.tolist() == expected
    assert min(expected) < CLIPS


def test_even_is_the_table_of_even_weights(weights, kinds):
    even = np.full_like(weights, 1 / FRAMES)
    np.testing.assert_allclose(
        measure((weights, kinds)).even(), table_of(even, kinds)[:, 0]
    )


def test_batches_give_what_one_gives(weights, kinds):
    parts = [(weights[x], kinds[x]) for x in (slice(2), slice(2, None))]
    found, expected = measure(*parts), measure((weights, kinds))
    np.testing.assert_allclose(found.table(), expected.table())
    np.testing.assert_allclose(found.even(), expected.even())


def test_the_order_of_frames_and_clips_does_not_matter(weights, kinds):
    rng = np.random.default_rng(3)
    clips, frames = rng.permutation(CLIPS), rng.permutation(FRAMES)
    other = measure((weights[clips][:, :, frames], kinds[clips][:, frames]))
    expected = measure((weights, kinds))
    np.testing.assert_allclose(other.table(), expected.table())


def test_units_in_another_order_have_their_columns_so(weights, kinds):
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        measure((weights[:, order], kinds)).table(),
        measure((weights, kinds)).table()[:, order],
    )


def test_padding_changes_nothing(weights, kinds):
    padded = (
        np.pad(weights, ((0, 0), (0, 0), (0, 3))),
        np.pad(kinds, ((0, 0), (0, 3), (0, 0))),
    )
    found, expected = measure(padded), measure((weights, kinds))
    np.testing.assert_allclose(found.table(), expected.table())
    np.testing.assert_allclose(found.even(), expected.even())


def test_a_clip_without_frames_is_left_out(weights, kinds):
    absent = np.zeros_like(weights), np.zeros_like(kinds)
    absent[1][0] = True
    found, expected = measure(absent, (weights, kinds)), (weights, kinds)
    np.testing.assert_allclose(found.table(), measure(expected).table())
    np.testing.assert_allclose(found.even(), measure(expected).even())


def test_a_kind_that_no_clip_has_is_nan(weights, kinds):
    kinds = kinds.copy()
    kinds[..., 2] = False
    kinds[..., 0] |= ~kinds.any(axis=2)
    found = measure((weights, kinds))
    assert np.isnan(found.table()[2]).all() and np.isnan(found.even()[2])
    assert (found.table()[:2] > 0).all()


def test_the_favourite_is_the_kind_of_the_most_weight():
    table = np.array([[0.1, 0.2, 0.9], [0.8, 0.3, np.nan], [0.3, 0.1, 0.2]])
    favourites = favourite_kinds(table, np.full(3, 0.15))
    assert favourites.tolist() == [1, 1, 0]


def test_a_unit_of_even_weights_has_no_favourite(kinds):
    weights = np.full((CLIPS, UNITS, FRAMES), 1 / FRAMES, "float16")
    weights[:, 1] = np.eye(FRAMES)[kinds[..., 0].argmax(axis=1)]
    found = measure((weights, kinds))
    favourites = favourite_kinds(found.table(), found.even())
    assert favourites.tolist() == [-1, 0, -1, -1]


@pytest.mark.parametrize(
    "kinds, received",
    [
        (np.ones((CLIPS, FRAMES, KINDS)), "of float64"),
        (np.ones((CLIPS, FRAMES, KINDS + 1), bool), "(7, 6, 4)"),
        (np.ones((CLIPS, FRAMES - 1, KINDS), bool), "(7, 5, 3)"),
        (np.ones((CLIPS - 1, FRAMES, KINDS), bool), "(6, 6, 3)"),
        (np.zeros((CLIPS, FRAMES, KINDS), bool), "a frame without one"),
    ],
)
def test_kinds_that_do_not_fit_are_refused(kinds, received, weights):
    with pytest.raises(ValueError, match="Expected.*Received: ") as error:
        measure((weights, kinds))
    assert received in str(error.value)


def test_weights_of_other_units_are_refused(weights, kinds):
    with pytest.raises(ValueError, match=r"Received: weights of shape \(7, 3"):
        measure((weights[:, :3], kinds))
