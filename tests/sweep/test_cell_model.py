"""The classifier of a cell."""

import dataclasses

import keras
import numpy as np
import pytest

from ac_keras.layers import AttentionCluster
from ac_keras.layers import ShiftingCluster
from cells import FAMILIES
from cells import Cell
from support.flash_mnist.tiny_cells import CLASS_NAMES
from support.flash_mnist.tiny_cells import DIM
from support.flash_mnist.tiny_cells import NUM_FRAMES
from support.flash_mnist.tiny_cells import PROTOCOL
from support.flash_mnist.tiny_cells import write_dataset
from train_cell import build_model

UNITS, CLASSES = 3, len(CLASS_NAMES)
DENSE = UNITS * DIM * CLASSES + CLASSES
WEIGHTS = {  # Numbers of weights, counted by hand for 3 units.
    "average": DENSE,
    "fc1": DIM * 3 + DENSE,
    "fc2": (DIM * 10 + 10 + 10) * 3 + DENSE,
    "fc1_shift": DIM * 3 + 2 * 3 + DENSE,
    "fc2_shift": (DIM * 10 + 10 + 10) * 3 + 2 * 3 + DENSE,
}


@pytest.fixture(scope="module")
def models(manifest):
    protocol = dataclasses.replace(
        PROTOCOL, alpha_initializer="constant:1.25", beta_initializer="normal:9"
    )
    keras.utils.set_random_seed(0)
    return {
        family: build_model(Cell(family, UNITS), protocol, manifest)
        for family in FAMILIES
    }


def cluster_of(model):
    (cluster,) = model.get_layer("clusters").clusters.values()
    return cluster


@pytest.mark.parametrize("family", FAMILIES)
def test_its_cluster_is_that_of_the_tables_column(family, models):
    cluster = cluster_of(models[family])
    kind = ShiftingCluster if family.endswith("_shift") else AttentionCluster
    assert type(cluster) is kind
    assert cluster.weighting == family.removesuffix("_shift")
    assert (cluster.num_units, cluster.hidden_units) == (UNITS, 10)


@pytest.mark.parametrize("family", FAMILIES)
def test_its_weights_are_as_many_as_the_equations_have(family, models):
    assert models[family].count_params() == WEIGHTS[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_takes_the_datasets_frames_and_gives_a_share_for_each_class(
    family, models
):
    frames = np.random.default_rng(0).normal(size=(2, NUM_FRAMES, DIM))
    inputs = {"rgb": frames, "rgb_num_frames": np.array([NUM_FRAMES, 2])}
    shares = models[family].predict_on_batch(inputs)
    assert shares.shape == (2, CLASSES) and shares.min() > 0
    assert shares.sum(axis=1) == pytest.approx(np.ones(2), rel=1e-5)
    assert not np.allclose(shares[0], shares[1])


def test_the_protocol_gives_dropout_and_the_shifts_initial_values(models):
    model = models["fc1_shift"]
    assert model.get_layer("dropout").rate == PROTOCOL.dropout > 0
    cluster = cluster_of(model)
    assert list(cluster.alpha.numpy()) == [1.25] * UNITS
    assert np.abs(cluster.beta.numpy()).max() > 2  # of standard deviation 9


@pytest.mark.parametrize(
    "options, received",
    [
        ({"modalities": ("rgb", "flow")}, "with rgb, flow"),
        ({"multi_label": True}, "with multi_label=True"),
    ],
)
def test_another_kind_of_dataset_is_refused(options, received, tmp_path):
    other = write_dataset(tmp_path / "other", **options)
    with pytest.raises(ValueError) as error:
        build_model(Cell("fc1", 1), PROTOCOL, other)
    message = str(error.value)
    assert message.startswith("Expected a dataset with one ")
    assert f"as Table 1 has. Received: {other.directory} {received}" in message
