"""Which figures a dataset's classifiers get."""

import pytest

from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.training import evaluation_metrics
from ac_keras.training import training_metrics

IN_TRAINING = {
    False: ["accuracy", "top_5_accuracy"],
    True: ["hit_at_1", "perr"],
}
AT_THE_END = {False: ["per_class_accuracy"], True: ["gap", "map"]}


def describe(multi_label):
    names = tuple(f"class {index}" for index in range(9))
    modalities = {"rgb": Modality(3)}
    return Description("x", names, modalities, multi_label=multi_label)


def names_of(metrics):
    return [metric.name for metric in metrics]


@pytest.mark.parametrize("multi_label", [False, True])
def test_training_has_figures_that_are_sums_over_clips(multi_label):
    found = names_of(training_metrics(describe(multi_label)))
    assert found == IN_TRAINING[multi_label]


@pytest.mark.parametrize("multi_label", [False, True])
def test_evaluation_has_those_that_need_a_whole_split_as_well(multi_label):
    found = names_of(evaluation_metrics(describe(multi_label)))
    assert found == IN_TRAINING[multi_label] + AT_THE_END[multi_label]


def test_top_5_is_right_where_the_label_is_among_the_five_highest():
    _, top_5 = training_metrics(describe(False))
    scores = [[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]] * 4
    top_5.update_state([0, 4, 5, 8], scores)
    assert float(top_5.result()) == 0.5


def test_per_class_accuracy_has_a_row_for_every_class():
    metric = evaluation_metrics(describe(False))[-1]
    assert metric.confusion_matrix().shape == (9, 9)
