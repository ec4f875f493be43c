"""UnitDivergence: how far units differ in what they attend to."""

import math

import numpy as np
import pytest

from digit_attention import UnitDivergence
from support.flash_mnist.attended_frames import CLIPS
from support.flash_mnist.attended_frames import UNITS
from support.flash_mnist.attended_frames import divergence
from support.flash_mnist.attended_frames import draw_weights
from support.flash_mnist.attended_frames import mean_divergence


def measure(*batches):
    found = UnitDivergence(batches[0].shape[1])
    for batch in batches:
        found.update(batch)
    return found


def test_the_mean_is_that_of_all_clips_and_pairs():
    weights = draw_weights()
    expected = mean_divergence(weights)
    assert 0.1 < expected < 0.6
    assert measure(weights).mean() == pytest.approx(expected, rel=1e-12)


def test_pairs_are_the_means_over_clips():
    weights = draw_weights()
    pairs = measure(weights).pairs()
    for i in range(UNITS):
        for j in range(UNITS):
            expected = np.mean([divergence(x[i], x[j]) for x in weights])
            assert pairs[i, j] == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_batches_of_any_size_give_what_one_gives():
    weights = draw_weights()
    found = measure(weights[:1], weights[1:5], weights[5:])
    np.testing.assert_allclose(found.pairs(), measure(weights).pairs())
    assert found.num_clips == CLIPS


def test_equal_units_have_none():
    weights = np.repeat(draw_weights()[:, :1], UNITS, axis=1)
    assert measure(weights).mean() == 0


def test_units_that_share_no_frame_have_log_2():
    weights = np.broadcast_to(np.eye(5), (3, 5, 5))
    assert measure(weights).mean() == pytest.approx(math.log(2), rel=1e-12)


def test_the_order_of_frames_and_clips_does_not_matter():
    weights, rng = draw_weights(), np.random.default_rng(3)
    other = rng.permutation(weights[rng.permutation(CLIPS)], axis=2)
    assert (other != weights).any()
    np.testing.assert_allclose(measure(other).pairs(), measure(weights).pairs())


def test_units_in_another_order_have_their_pairs_so():
    weights, order = draw_weights(), [2, 0, 3, 1]
    np.testing.assert_allclose(
        measure(weights[:, order]).pairs(),
        measure(weights).pairs()[np.ix_(order, order)],
    )


def test_padding_changes_nothing():
    weights = draw_weights()
    padded = np.pad(weights, ((0, 0), (0, 0), (0, 3)))
    np.testing.assert_allclose(
        measure(padded).pairs(), measure(weights).pairs()
    )


def test_a_clip_without_frames_is_left_out():
    weights = draw_weights()
    with_absent = np.concatenate([np.zeros_like(weights[:2]), weights])
    found = measure(with_absent)
    assert found.num_clips == CLIPS
    assert found.mean() == pytest.approx(measure(weights).mean(), rel=1e-12)


def test_weights_of_low_precision_are_made_to_sum_up_to_1():
    weights = draw_weights()
    found = measure((1.01 * weights).astype("float32")).mean()
    assert found == pytest.approx(mean_divergence(weights), rel=1e-5)


def test_one_unit_is_refused():
    with pytest.raises(ValueError, match="two units.*Received: num_units=1"):
        UnitDivergence(1)


def test_without_a_clip_there_is_no_divergence():
    found = UnitDivergence(2)
    found.update(np.zeros((3, 2, 4)))
    with pytest.raises(ValueError, match="Received: num_clips=0.*`update`"):
        found.mean()


@pytest.mark.parametrize(
    "weights, received",
    [
        (np.full((2, 3, 4), 0.25), r"shape \(2, 3, 4\)"),
        (np.full((2, 4), 0.25), r"shape \(2, 4\)"),
        (np.full((2, 2, 4), 0.3), "sums from 1.2"),
        (np.full((2, 2, 4), np.nan), "weights from nan"),
        (np.array([[[1.5, -0.5], [1, 0]]]), "weights from -0.5"),
        (np.array([[[0.5, 0.5], [0, 0]]]), "sums from 0 to 1"),
    ],
)
def test_what_is_no_attention_of_two_units_is_refused(weights, received):
    with pytest.raises(ValueError, match=f"Expected.*Received: .*{received}"):
        UnitDivergence(2).update(weights)
