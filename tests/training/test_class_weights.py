"""1/S by class (section 5.4), scaled to a mean of 1 over the clips."""

import numpy as np
import pytest

from ac_keras.training import balanced_class_weights

COUNTS = np.array([3, 1, 0, 40, 7])


def test_weights_are_inverse_to_the_counts():
    weights = balanced_class_weights(COUNTS).astype(np.float64)
    present = COUNTS > 0
    products = weights[present] * COUNTS[present]
    np.testing.assert_allclose(products, products[0], 1e-6)


def test_their_mean_over_the_clips_is_1():
    weights = balanced_class_weights(COUNTS).astype(np.float64)
    clips = np.repeat(np.arange(len(COUNTS)), COUNTS)
    assert weights[clips].mean() == pytest.approx(1, rel=1e-6)


def test_equal_counts_weigh_1_each():
    np.testing.assert_allclose(balanced_class_weights(np.full(4, 9)), 1.0)


def test_a_class_without_clips_weighs_nothing():
    weights = balanced_class_weights(COUNTS)
    assert weights.dtype == np.float32
    assert weights[2] == 0 and np.isfinite(weights).all()


def test_a_split_without_clips_is_refused():
    with pytest.raises(ValueError, match="at least one clip. Received: class"):
        balanced_class_weights(np.zeros(3, int))
