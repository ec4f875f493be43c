"""Sets of modalities, and tables of their results."""

import pytest
from ablation_table import ModalityAblation
from ablation_table import accuracy_table
from ablation_table import modality_sets
from ablation_table import seed_table
from ablation_table import set_name

SETS = [("rgb",), ("audio",), ("rgb", "audio")]
TEST = {  # by method and set, of two seeds
    ("clusters", ("rgb",)): (0.50, 0.54),
    ("clusters", ("audio",)): (0.40, 0.60),
    ("clusters", ("rgb", "audio")): (0.80, 0.70),
    ("pooling", ("rgb",)): (0.30, 0.32),
    ("pooling", ("audio",)): (0.20, 0.28),
    ("pooling", ("rgb", "audio")): (0.65, 0.75),
}


@pytest.fixture
def ablation():
    results = {
        (method, names, seed): {
            "test_accuracy": values[seed],
            "validation_accuracy": values[seed] + 0.01,
        }
        for (method, names), values in TEST.items()
        for seed in (0, 1)
    }
    return ModalityAblation(
        ["rgb", "audio"], ["clusters", "pooling"], [0, 1], results
    )


def test_sets_are_all_but_the_empty_one_smallest_first():
    assert modality_sets(["rgb", "audio"]) == SETS
    sets = modality_sets(["a", "b", "c", "d"])
    assert len(set(sets)) == 15
    assert list(map(len, sets)) == sorted(map(len, sets))
    assert set_name(("rgb", "audio")) == "rgb+audio"


def test_the_best_single_modality_is_each_seeds_own(ablation):
    assert ablation.best_single("clusters") == pytest.approx([50, 60])
    assert ablation.best_single("pooling") == pytest.approx([30, 32])


def test_tables_have_a_row_for_each_set_and_for_each_seed(ablation):
    assert accuracy_table(ablation).splitlines() == [
        "| modalities | clusters | pooling |",
        "| --- | ---: | ---: |",
        "| rgb | 52.0 ± 2.8 (53.0) | 31.0 ± 1.4 (32.0) |",
        "| audio | 50.0 ± 14.1 (51.0) | 24.0 ± 5.7 (25.0) |",
        "| rgb, audio | 75.0 ± 7.1 (76.0) | 70.0 ± 7.1 (71.0) |",
    ]
    assert seed_table(ablation).splitlines()[2:] == [
        "| 0 | 80.0 | 50.0 (+30.0) | 65.0 (+15.0) |",
        "| 1 | 70.0 | 60.0 (+10.0) | 75.0 (−5.0) |",
    ]
    one = ModalityAblation(["rgb"], ["clusters"], [1], ablation.results)
    assert accuracy_table(one).splitlines()[2:] == ["| rgb | 54.0 (55.0) |"]
