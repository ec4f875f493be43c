"""Attention of units by digit, and the divergence of units."""

import math

import numpy as np
import pytest

from ac_keras import AttentionCluster
from ac_keras import cluster_classifier
from digit_attention import AttendedKinds
from digit_attention import UnitDivergence
from digit_attention import favourite_kinds
from digit_attention import measure_digit_attention
from support.flash_mnist.attended_frames import CLIPS
from support.flash_mnist.attended_frames import FRAMES
from support.flash_mnist.attended_frames import KINDS
from support.flash_mnist.attended_frames import UNITS
from support.flash_mnist.attended_frames import divergence
from support.flash_mnist.attended_frames import draw_kinds
from support.flash_mnist.attended_frames import draw_weights
from support.flash_mnist.attended_frames import mean_divergence
from support.flash_mnist.attended_frames import table_of
from support.flash_mnist.flashed_dataset import FLASHED
from support.flash_mnist.flashed_dataset import IDS
from support.flash_mnist.flashed_dataset import classes
from support.flash_mnist.flashed_dataset import digits_of_frames
from support.flash_mnist.flashed_dataset import expected_weights
from support.flash_mnist.flashed_dataset import make_model
from support.flash_mnist.flashed_dataset import write_dataset

UNIT_DIGITS = (7, 3, None, 3)
ORDER_OF_CLIPS = [3, 0, 6, 1, 5, 2, 4]
ORDER_OF_FRAMES = [2, 5, 0, 3, 1, 4]


def measure_kinds(*batches):
    found = AttendedKinds(UNITS, KINDS)
    for weights, kinds in batches:
        found.update(weights, kinds)
    return found


def measure_divergence(*batches):
    found = UnitDivergence(batches[0].shape[1])
    for batch in batches:
        found.update(batch)
    return found


@pytest.fixture
def weights():
    return draw_weights()


@pytest.fixture
def kinds():
    return draw_kinds()


def test_the_table_is_the_mean_over_clips_with_the_kind(weights, kinds):
    found = measure_kinds((weights, kinds))
    assert found.table().shape == (KINDS, UNITS)
    expected = table_of(weights, kinds)
    np.testing.assert_allclose(found.table(), expected, rtol=1e-12)
    even = np.full_like(weights, 1 / FRAMES)
    np.testing.assert_allclose(found.even(), table_of(even, kinds)[:, 0])
    counts = [sum(clip[:, k].any() for clip in kinds) for k in range(KINDS)]
    assert found.clip_counts.tolist() == counts
    assert min(counts) < CLIPS


def with_absent_clips(weights, kinds):
    absent = np.zeros_like(kinds[:2])
    absent[0] = True
    return (
        np.concatenate([np.zeros_like(weights[:2]), weights]),
        np.concatenate([absent, kinds]),
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda w, k: [(w[:1], k[:1]), (w[1:5], k[1:5]), (w[5:], k[5:])],
        lambda w, k: [(w[ORDER_OF_CLIPS], k[ORDER_OF_CLIPS])],
        lambda w, k: [(w[:, :, ORDER_OF_FRAMES], k[:, ORDER_OF_FRAMES])],
        lambda w, k: [
            (
                np.pad(w, ((0, 0), (0, 0), (0, 3))),
                np.pad(k, ((0, 0), (0, 3), (0, 0))),
            )
        ],
        lambda w, k: [with_absent_clips(w, k)],
    ],
    ids=["batches", "clips", "frames", "padding", "clips without frames"],
)
def test_batches_orders_and_padding_do_not_matter(change, weights, kinds):
    batches = change(weights, kinds)
    assert batches[0][0].tobytes() != weights.tobytes()
    found, expected = measure_kinds(*batches), measure_kinds((weights, kinds))
    np.testing.assert_allclose(found.table(), expected.table())
    np.testing.assert_allclose(found.even(), expected.even())
    found = measure_divergence(*(batch for batch, _ in batches))
    expected = measure_divergence(weights)
    np.testing.assert_allclose(found.pairs(), expected.pairs(), atol=1e-15)
    assert found.mean() == pytest.approx(expected.mean(), rel=1e-12)
    assert found.num_clips == CLIPS


def test_the_favourite_is_the_kind_of_the_most_weight():
    table = np.array([[0.1, 0.2, 0.9], [0.8, 0.3, np.nan], [0.3, 0.1, 0.2]])
    favourites = favourite_kinds(table, np.full(3, 0.15))
    assert favourites.tolist() == [1, 1, 0]


def test_a_unit_of_even_weights_has_no_favourite(kinds):
    weights = np.full((CLIPS, UNITS, FRAMES), 1 / FRAMES, "float16")
    weights[:, 1] = np.eye(FRAMES)[kinds[..., 0].argmax(axis=1)]
    found = measure_kinds((weights, kinds))
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
        measure_kinds((weights, kinds))
    assert received in str(error.value)
    with pytest.raises(ValueError, match=r"Received: weights of shape \(7, 3"):
        measure_kinds((weights[:, :3], kinds))


def test_divergence_is_the_mean_over_clips_and_then_over_pairs(weights):
    found, expected = measure_divergence(weights), mean_divergence(weights)
    assert 0.1 < expected < 0.6
    assert found.mean() == pytest.approx(expected, rel=1e-12)
    for (i, j), value in np.ndenumerate(found.pairs()):
        expected = np.mean([divergence(x[i], x[j]) for x in weights])
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_divergence_is_0_of_equal_units_and_log_2_without_a_common_frame(
    weights,
):
    weights = np.repeat(weights[:, :1], UNITS, axis=1)
    assert measure_divergence(weights).mean() == 0
    apart = measure_divergence(np.broadcast_to(np.eye(5), (3, 5, 5)))
    assert apart.mean() == pytest.approx(math.log(2), rel=1e-12)


def test_weights_of_low_precision_are_made_to_sum_up_to_1(weights):
    found = measure_divergence((1.01 * weights).astype("float32")).mean()
    assert found == pytest.approx(mean_divergence(weights), rel=1e-5)


def test_one_unit_and_no_clip_have_no_divergence():
    with pytest.raises(ValueError, match="two units.*Received: num_units=1"):
        UnitDivergence(1)
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


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("records") / "flashed")


@pytest.fixture(scope="module")
def found(manifest):
    return measure_digit_attention(
        make_model(UNIT_DIGITS), manifest, batch_size=4
    )


def test_the_table_has_a_row_for_each_digit_and_one_for_none(found):
    digits = digits_of_frames()
    none = ~digits.any(axis=2, keepdims=True)
    kinds = np.concatenate([digits, none], axis=2)
    expected = table_of(expected_weights(UNIT_DIGITS), kinds)
    assert found.table.shape == (11, 4)
    np.testing.assert_allclose(found.table, expected, rtol=1e-5, atol=1e-7)
    assert np.isnan(found.table[1]).all()  # no clip has a 1
    assert np.isnan(found.even[1])
    # Frames with a 3, of five, in three clips; frames without a digit, in six.
    assert found.even[3] == pytest.approx((2 + 1 + 1) / 5 / 3)
    assert found.even[10] == pytest.approx((2 + 4 + 5 + 3 + 3 + 2) / 5 / 6)


def test_favourites_are_the_digits_that_units_point_at(found):
    assert found.favourites.tolist() == [7, 3, -1, 3]
    assert found.units_of_digit.tolist() == [0, 0, 0, 2, 0, 0, 0, 1, 0, 0]
    assert found.num_favourites == 2
    # 3, 7, and 9 on a frame with a 3, have half of a weight; 0 has too little.
    assert found.num_seen == 3
    best = [1, 1, np.nanmax(found.table[:10, 2]), 1]
    assert found.favourite_weight == pytest.approx(np.mean(best), rel=1e-5)
    assert found.order.tolist() == [1, 3, 0, 2]
    names = ["unit 2 (3)", "unit 4 (3)", "unit 1 (7)", "unit 3 (none)"]
    assert found.unit_names == names


def test_the_accuracy_is_the_share_of_clips_named_right(found):
    named = [set(sum(frames.values(), [])) <= {3, 7} for frames in FLASHED]
    assert 0 < sum(named) < len(named) == found.num_clips
    assert found.accuracy == pytest.approx(np.mean(named))


@pytest.mark.parametrize("wanted, given", [(1, 1), (5, 5), (9, 6)])
def test_the_first_clips_are_returned_with_their_attention(
    wanted, given, manifest
):
    model = make_model(UNIT_DIGITS)
    first = measure_digit_attention(model, manifest, wanted, batch_size=4).first
    assert [clip.id for clip in first] == list(IDS[:given])
    assert [clip.label for clip in first] == classes()[:given].tolist()
    for clip, scores, digits in zip(
        first, expected_weights(UNIT_DIGITS), digits_of_frames(), strict=False
    ):
        np.testing.assert_allclose(clip.scores, scores, atol=1e-6)
        np.testing.assert_array_equal(clip.digits, digits)
        assert clip.guess & ~(1 << 3 | 1 << 7) == 0


def test_a_model_of_two_modalities_is_refused(manifest):
    model = cluster_classifier(
        {"rgb": 10, "flow": 10},
        {name: AttentionCluster(2) for name in ("rgb", "flow")},
        1024,
    )
    with pytest.raises(ValueError, match=r"one modality.*\['rgb', 'flow'\]"):
        measure_digit_attention(model, manifest)
