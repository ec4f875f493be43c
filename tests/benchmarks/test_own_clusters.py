"""The measures that make a step fast leave its results as they are."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from peers.own_clusters import Measures
from peers.own_clusters import make_features
from peers.own_clusters import make_model
from peers.own_clusters import make_update
from peers.setting import Setting
from peers.setting import draw_batch

SETTING = Setting(
    batch_size=6,
    num_frames=4,
    modalities={"rgb": (12, 3), "audio": (5, 2)},
    num_classes=7,
    dropout=0.0,
)
NAMES = [field.name for field in dataclasses.fields(Measures)]
PLAIN = Measures(**dict.fromkeys(NAMES, False))


def gradients_and_weights(measures):
    """Those of the first step from weights that are always the same."""
    model = make_model(SETTING, measures)
    rng = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    features, labels = draw_batch(SETTING, seed=1)
    batch = make_features(SETTING, features), tf.constant(labels)
    update = make_update(SETTING, model, seed=0)
    gradients = update._part(*batch, SETTING.batch_size)[2]
    update(*batch, SETTING.batch_size)
    return gradients, model.get_weights()


# The compiled update is for larger weights: test_update_step_compiled.py.
@pytest.mark.parametrize("name", [*NAMES[:-1], "all"])
def test_a_measure_changes_rounding_only(name):
    measures = Measures()
    if name != "all":
        measures = dataclasses.replace(PLAIN, **{name: True})
    found, expected = map(gradients_and_weights, (measures, PLAIN))
    for got, wanted in zip(found, expected, strict=True):
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
    assert max(np.abs(x).max() for x in expected[0]) > 0.01
