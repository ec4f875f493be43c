"""Updates and dropout on several replicas are those of one, and of NumPy."""

import numpy as np
import pytest

import support.training.linear_classifier as linear
import support.training.steps_on_replicas as program
from support.programs import output_of
from support.programs import run_program

pytestmark = [pytest.mark.programs, pytest.mark.versions]
each_count = pytest.mark.parametrize("count", program.REPLICAS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / "arrays.npz"
    output_of(run_program(program.__file__, path))
    return dict(np.load(path))


def whole_batch(case):
    """The losses and the weights after each step, by the definitions."""
    options = program.CASES[case]
    weights = options.get("class_weights")
    losses, path = linear.rmsprop(
        linear.weights_of(linear.make_model()),
        program.batches_of(case),
        program.RATE,
        options.get("clip_norm", np.inf),
        None if weights is None else weights.astype(np.float64),
    )
    return losses, [np.concatenate([w.ravel() for w in x]) for x in path]


@each_count
@pytest.mark.parametrize(
    "case", ["plain", "clipped", "weighted", "scaled", "opposite", "parts"]
)
def test_replicas_make_the_update_of_the_whole_batch(case, count, trained):
    losses, path = whole_batch(case)
    for replica in range(count):
        found = trained[f"{case}/{count}/losses"][:, replica]
        np.testing.assert_allclose(found, losses, 1e-5)
    found = trained[f"{case}/{count}/weights"]
    np.testing.assert_allclose(found, path[-1], 1e-4, 1e-5)


def test_the_norm_that_is_clipped_is_that_of_the_sum():
    """Of each half alone it is above the limit, of both it is below."""
    x, labels = program.batches_of("opposite")
    start = linear.weights_of(linear.make_model())
    limit = program.CASES["opposite"]["clip_norm"]
    halves = [
        linear.loss_and_gradients(start, x[0, half], labels[0, half])[1]
        for half in (slice(0, 4), slice(4, 8))
    ]
    _, whole = linear.loss_and_gradients(start, x[0], labels[0])
    assert all(linear.norm_of(g) / 2 > limit for g in halves)
    assert linear.norm_of(whole) < max(map(linear.norm_of, halves)) / 2


@each_count
def test_averages_on_replicas_follow_the_weights(count, trained):
    _, path = whole_batch("ema_model")
    start = linear.weights_of(linear.make_model())
    expected = np.concatenate([w.ravel() for w in start])
    for weights in path:
        expected = 0.7 * expected + 0.3 * weights
    found = trained[f"ema_model/{count}/weights"]
    np.testing.assert_allclose(found, expected, 1e-5, 1e-6)


@each_count
def test_infinity_on_one_replica_stops_the_update_of_all(count, trained):
    _, path = whole_batch("clipped")  # The same up to the last batch.
    found = trained[f"overflow/{count}/weights"]
    np.testing.assert_allclose(found, path[-2], 1e-4, 1e-5)
    steps = program.STEPS
    np.testing.assert_array_equal(
        trained[f"overflow/{count}/steps"], [steps, steps - 1]
    )


@each_count
@pytest.mark.parametrize("case", [*program.EVALUATED, "several labels"])
def test_evaluation_over_replicas_is_that_of_numpy(case, count, trained):
    """Batches are uneven and the last has fewer clips than replicas."""
    multi_label = case == "several labels"
    _, num_clips = program.EVALUATED.get(case, program.EVALUATED["uneven"])
    x, labels = linear.draw_batches(1, multi_label, size=num_clips)
    weights = linear.weights_of(linear.make_model(multi_label))
    loss, _ = linear.loss_and_gradients(weights, x[0], labels[0])
    logits = x[0] @ weights[0] + weights[1]
    found = logits > 0 if multi_label else logits.argmax(axis=1)
    right = found == labels[0]
    found = trained[f"{case}/{count}/first"]
    np.testing.assert_allclose(found, [loss, right.mean()], 1e-5)
    again = trained[f"{case}/{count}/again"]
    np.testing.assert_array_equal(again, found)


@each_count
def test_masks_follow_from_the_seed_and_the_step(count, trained):
    first, again, other, parts, later = (
        trained[f"masks/{count}/{name}"] for name in program.MASKED
    )
    assert first.shape == (3, 4, 2, program.WIDTH)
    assert 0.4 < first.mean() < 0.6  # of 768
    for masks in (first, parts, other):
        # By step, replica, part, clip and layer: 24 rows, all different.
        rows = masks.reshape(-1, program.WIDTH)
        assert len(np.unique(rows, axis=0)) == len(rows) == 24
    np.testing.assert_array_equal(again, first)
    assert 0.3 < (other != first).mean() < 0.7
    np.testing.assert_array_equal(later, first[1:])


def test_the_first_replica_draws_what_a_single_one_does(trained):
    half = program.MASKED_SIZE // 2
    one, two = trained["masks/1/parts"], trained["masks/2/first"]
    np.testing.assert_array_equal(one[:, :half], two[:, :half])


def test_compiled_steps_draw_other_masks_in_every_step(trained):
    rows = trained["masks/1/compiled"].reshape(-1, program.WIDTH)
    assert len(np.unique(rows, axis=0)) == len(rows)
