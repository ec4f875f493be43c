"""measure_digit_attention: what units attend to, told by the digits."""

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from digit_attention import measure_digit_attention
from support.flash_mnist.attended_frames import mean_divergence
from support.flash_mnist.attended_frames import table_of
from support.flash_mnist.flashed_dataset import FLASHED
from support.flash_mnist.flashed_dataset import IDS
from support.flash_mnist.flashed_dataset import classes
from support.flash_mnist.flashed_dataset import digits_of_frames
from support.flash_mnist.flashed_dataset import expected_weights
from support.flash_mnist.flashed_dataset import make_model
from support.flash_mnist.flashed_dataset import write_dataset

UNITS = (7, 3, None, 3)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("records") / "flashed")


@pytest.fixture(scope="module")
def found(manifest):
    return measure_digit_attention(make_model(UNITS), manifest, batch_size=4)


def test_the_divergence_is_that_of_all_test_clips(found):
    expected = mean_divergence(expected_weights(UNITS))
    assert 0.1 < expected < 0.5
    assert found.divergence == pytest.approx(expected, rel=1e-5)
    assert found.num_clips == len(FLASHED)


def test_the_table_has_a_row_for_each_digit_and_one_for_none(found):
    digits = digits_of_frames()
    none = ~digits.any(axis=2, keepdims=True)
    kinds = np.concatenate([digits, none], axis=2)
    expected = table_of(expected_weights(UNITS), kinds)
    assert found.table.shape == (11, 4)
    np.testing.assert_allclose(found.table, expected, rtol=1e-5, atol=1e-7)
    assert np.isnan(found.table[1]).all()  # no clip has a 1


def test_even_weights_are_counted_alike(found):
    # Frames with a 3, of five, in three clips; frames without a digit, in six.
    assert found.even[3] == pytest.approx((2 + 1 + 1) / 5 / 3)
    assert found.even[10] == pytest.approx((2 + 4 + 5 + 3 + 3 + 2) / 5 / 6)


def test_favourites_are_the_digits_that_units_point_at(found):
    assert found.favourites.tolist() == [7, 3, -1, 3]
    assert found.units_of_digit.tolist() == [0, 0, 0, 2, 0, 0, 0, 1, 0, 0]
    assert found.num_favourites == 2
    best = [1, 1, np.nanmax(found.table[:10, 2]), 1]
    assert found.favourite_weight == pytest.approx(np.mean(best), rel=1e-5)


def test_a_digit_is_seen_that_has_half_of_a_units_weight(found):
    # That is 3, 7 and 9, which lies on a frame with a 3; 0 has too little.
    assert found.num_seen == 3


def test_units_are_ordered_by_their_favourites(found):
    assert found.order.tolist() == [1, 3, 0, 2]
    assert found.unit_names == [
        "unit 2 (3)",
        "unit 4 (3)",
        "unit 1 (7)",
        "unit 3 (none)",
    ]


def test_the_accuracy_is_the_share_of_clips_named_right(found):
    named = [set(sum(frames.values(), [])) <= {3, 7} for frames in FLASHED]
    assert 0 < sum(named) < len(named)
    assert found.accuracy == pytest.approx(np.mean(named))


@pytest.mark.parametrize("wanted, given", [(1, 1), (5, 5), (9, 6)])
def test_so_many_clips_are_given_with_their_attention(wanted, given, manifest):
    model = make_model(UNITS)
    first = measure_digit_attention(model, manifest, wanted, batch_size=4).first
    assert [clip.id for clip in first] == list(IDS[:given])
    assert [clip.label for clip in first] == classes()[:given].tolist()
    for clip, scores, digits in zip(
        first, expected_weights(UNITS), digits_of_frames(), strict=False
    ):
        np.testing.assert_allclose(clip.scores, scores, atol=1e-6)
        np.testing.assert_array_equal(clip.digits, digits)
        assert clip.guess & ~(1 << 3 | 1 << 7) == 0


def test_a_folder_that_does_not_keep_the_digits_is_refused(tmp_path):
    manifest = write_dataset(tmp_path)
    (tmp_path / "frame_digits.npz").unlink()
    with pytest.raises(FileNotFoundError, match="prepare.py.*adds the file"):
        measure_digit_attention(make_model(UNITS), manifest)


def test_a_model_of_two_modalities_is_refused(manifest):
    model = cluster_classifier(
        {"rgb": 10, "flow": 10},
        {name: AttentionCluster(2) for name in ("rgb", "flow")},
        1024,
    )
    with pytest.raises(ValueError, match=r"one modality.*\['rgb', 'flow'\]"):
        measure_digit_attention(model, manifest)


def test_a_model_of_one_unit_is_refused(manifest):
    with pytest.raises(ValueError, match="Received: num_units=1"):
        measure_digit_attention(make_model([3]), manifest)
