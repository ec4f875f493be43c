"""Settings of a run: schedule, best epoch, units, initializers and metrics."""

import math
import re

import keras
import numpy as np
import pytest

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.training import BestEpoch
from ac_keras.training import Warmup
from ac_keras.training import choose_batch_size
from ac_keras.training import choose_epochs
from ac_keras.training import evaluation_metrics
from ac_keras.training import make_schedule
from ac_keras.training import parse_initializer
from ac_keras.training import parse_num_units
from ac_keras.training import training_metrics

RATE, TOTAL, WARMUP = 0.3, 40, 8
STEPS = range(TOTAL + 5)
DROPS = (10, 25)


def constant(step):
    return RATE


def cosine(step):
    return RATE * (1 + math.cos(math.pi * min(step, TOTAL) / TOTAL)) / 2


def dropping(step):
    """It drops behind the step: that many steps have the rate before."""
    return RATE * 0.2 ** sum(step > drop for drop in DROPS)


KINDS = {"constant": constant, "cosine": cosine, "step": dropping}


def make(kind, warmup_steps=0):
    drops = {"drop_steps": DROPS, "drop_factor": 0.2}
    return make_schedule(
        kind,
        RATE,
        total_steps=TOTAL,
        warmup_steps=warmup_steps,
        **(drops if kind == "step" else {}),
    )


def rates(schedule):
    return [float(schedule(step)) for step in STEPS]


@pytest.mark.parametrize(
    ("kind", "warmup"),
    [("cosine", 0), ("step", 0), *((kind, WARMUP) for kind in KINDS)],
)
def test_every_step_has_the_formulas_rate_and_warm_up_rises_to_it(kind, warmup):
    expected = [
        KINDS[kind](step) * min((step + 1) / max(warmup, 1), 1)
        for step in STEPS
    ]
    found = rates(make(kind, warmup))
    np.testing.assert_allclose(found, expected, 1e-5, 1e-7)
    assert found[0] > 0 and (found[0] < found[1]) == bool(warmup)
    assert make("constant") == RATE


@pytest.mark.parametrize("kind", list(KINDS))
def test_warm_up_saves_and_loads(kind):
    schedule = make(kind, WARMUP)
    optimizer = keras.optimizers.RMSprop(schedule)
    config = keras.saving.serialize_keras_object(optimizer)
    loaded = keras.saving.deserialize_keras_object(config)
    assert isinstance(schedule, Warmup)
    np.testing.assert_allclose(
        [float(loaded.learning_rate)], [schedule(0)], 1e-6
    )
    copy = Warmup.from_config(schedule.get_config())
    np.testing.assert_allclose(rates(copy), rates(schedule))


@pytest.mark.parametrize(
    ("kind", "drop_steps"),
    [("linear", ()), ("step", ()), ("cosine", (3,)), ("constant", (3,))],
)
def test_other_schedules_and_misplaced_drops_are_rejected(kind, drop_steps):
    received = f"Received: {kind!r}, drop_steps={list(drop_steps)}."
    with pytest.raises(ValueError, match=re.escape(received)):
        make_schedule(kind, RATE, total_steps=TOTAL, drop_steps=drop_steps)


def history(name, *values):
    return [{"epoch": i, name: x} for i, x in enumerate(values)]


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("val_loss", [0.5, 0.9, 0.1, 0.6], 2),
        ("loss", [0.5, 0.9, 0.1, 0.6], 2),
        ("val_accuracy", [0.5, 0.9, 0.1, 0.6], 1),
        ("val_gap", [0.5, 0.9, 0.1, 0.6], 1),
        ("val_accuracy", [0.1, 0.8, 0.8], 1),
        ("val_accuracy", [0.1, 0.8], 1),
        *(
            (metric, values, best)
            for metric in ("val_loss", "val_accuracy")
            for values, best in (
                ([math.nan, 0.5, 0.5], 1),
                ([0.5, math.nan, 0.5], 0),
                ([0.5, 0.5, math.nan], 0),
            )
        ),
    ],
)
def test_the_best_epoch_is_the_first_of_equals_and_never_nan(
    metric, values, best
):
    rule, rows = BestEpoch(metric), history(metric, *values)
    assert rule.index(rows) == best
    assert rule.is_last_best(rows) == (best == len(rows) - 1)


@pytest.mark.parametrize("split", ["", "val_"])
def test_of_equals_the_one_with_the_lower_loss_is_the_best(split):
    losses = {"": [3.0, 1.0, 2.0, 0.5], "val_": [1.0, 2.0, 0.5, 3.0]}
    rows = [
        {f"{split}accuracy": accuracy, "loss": loss, "val_loss": val_loss}
        for accuracy, loss, val_loss in zip(
            [0.8, 0.8, 0.8, 0.7], losses[""], losses["val_"], strict=True
        )
    ]
    rule = BestEpoch(f"{split}accuracy")
    assert rule.index(rows) == (2 if split else 1)
    assert rule.is_last_best(rows[:3]) == bool(split)


@pytest.mark.parametrize(
    "num_clips, batch_size, epochs",
    [(1, 1, 2000), (48, 4, 167), (320, 32, 200), (512, 64, 250)],
)
def test_a_small_dataset_has_small_batches_and_many_epochs(
    num_clips, batch_size, epochs
):
    assert choose_batch_size(num_clips) == batch_size
    assert choose_epochs(num_clips // batch_size) == epochs


def test_a_large_dataset_has_batches_of_64_and_30_epochs():
    assert choose_batch_size(10**6) == 64
    assert choose_epochs(10**6 // 64) == 30


def test_the_last_epoch_may_be_the_best():
    rule, rows = BestEpoch("last"), history("loss", 1.0, 2.0, 3.0)
    assert rule.index(rows) == 2 and rule.is_last_best(rows)
    assert BestEpoch().metric == "val_accuracy"


def test_patience_ends_after_so_many_epochs_without_a_better_one():
    rule = BestEpoch("val_accuracy", patience=2)
    values = [0.5, 0.4, 0.6, 0.6, 0.1]
    stops = [
        rule.should_stop(history("val_accuracy", *values[:count]))
        for count in range(len(values) + 1)
    ]
    assert stops == [False] * 5 + [True]
    rows = history("val_accuracy", *[0.9] + [0.1] * 50)
    assert not BestEpoch().should_stop(rows)


def test_a_missing_metric_and_patience_without_one_are_rejected():
    message = r"\['epoch', 'loss', 'val_loss'\] or last. Received: 'val_acc'"
    with pytest.raises(ValueError, match=message):
        BestEpoch("val_acc").index([{"epoch": 0, "val_loss": 1, "loss": 2}])
    with pytest.raises(ValueError, match="Received: metric='last', patience=3"):
        BestEpoch("last", patience=3)


MODALITIES = ["rgb", "audio", "flow"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["8"], {"rgb": 8, "audio": 8, "flow": 8}),
        (["rgb:8"], {"rgb": 8}),
        (["audio:2", "rgb:16"], {"audio": 2, "rgb": 16}),
    ],
)
def test_units_are_given_for_all_modalities_or_by_name(values, expected):
    found = parse_num_units(values, MODALITIES)
    assert found == expected and list(found) == list(expected)


@pytest.mark.parametrize(
    "text",
    ["4,rgb:8", "rgb:8,4", "4,8", "0", "rgb:0", "rgb:-1", "-1", "rgb:", "rgb"]
    + ["rgb:4,rgb:8", "x:4", "rgb:4.5", ""],
)
def test_other_units_are_rejected(text):
    message = (
        "Expected the number of units as a number or as MODALITY:NUMBER pairs "
        f"with modalities among {MODALITIES}. Received: num_units={text}. "
        "Name modalities of the dataset."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_num_units(text.split(","), MODALITIES)


def test_a_parsed_initializer_draws_what_its_text_names():
    constant = parse_initializer("constant:-2.5")((3,))
    np.testing.assert_array_equal(constant, -2.5)
    drawn = np.asarray(parse_initializer("normal:0.5")((4000,)))
    assert abs(drawn.mean()) < 0.05
    assert drawn.std() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("text", ["", "1", "normal", "normal:x", "uniform:1"])
def test_other_initializers_are_rejected(text):
    message = (
        "Expected an initializer as constant:VALUE or normal:STANDARD_DEVIATION"
        f". Received: {text}. Write it like normal:0.5."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_initializer(text)


METRICS = {  # In training and evaluation, and of a whole split.
    False: (["accuracy", "top_5_accuracy"], ["per_class_accuracy"]),
    True: (["hit_at_1", "perr"], ["gap", "map"]),
}


def describe(multi_label):
    names = tuple(f"class {index}" for index in range(9))
    modalities = {"rgb": Modality(3)}
    return Description("x", names, modalities, multi_label=multi_label)


@pytest.mark.parametrize("multi_label", METRICS)
def test_metrics_of_a_whole_split_are_measured_in_evaluation_only(multi_label):
    often, at_the_end = METRICS[multi_label]
    found = [x.name for x in training_metrics(describe(multi_label))]
    assert found == often
    found = [x.name for x in evaluation_metrics(describe(multi_label))]
    assert found == often + at_the_end


def test_metrics_have_the_classes_of_the_dataset():
    _, top_5 = training_metrics(describe(False))
    scores = [[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]] * 4
    top_5.update_state([0, 4, 5, 8], scores)
    assert float(top_5.result()) == 0.5
    metric = evaluation_metrics(describe(False))[-1]
    assert metric.confusion_matrix().shape == (9, 9)
