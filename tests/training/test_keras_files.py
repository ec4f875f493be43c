"""Keras's files appear whole or not at all."""

import zipfile

import keras
import numpy as np
import pytest

from ac_keras.utils import keras_files
from support.programs import output_of
from support.programs import run_python


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def test_models_and_weights_come_back_and_nothing_else_is_left(model, tmp_path):
    keras_files.save_model(model, tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(4, 3))
    y = model.predict_on_batch(x)
    np.testing.assert_array_equal(loaded.predict_on_batch(x), y)
    assert np.abs(y).max() > 0
    weights = model.get_weights()
    keras_files.save_weights(model, tmp_path / "best.weights.h5")
    model.set_weights([np.zeros_like(x) for x in weights])
    model.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])
    assert np.abs(weights[0]).max() > 0
    for _ in range(2):
        keras_files.save_model(model, tmp_path / "model.keras")
        keras_files.save_weights(model, tmp_path / "best.weights.h5")
    names = sorted(x.name for x in tmp_path.iterdir())
    assert names == ["best.weights.h5", "model.keras"]


SAVE = """
import pathlib, sys
import keras
from ac_keras import ShiftingCluster
from ac_keras.utils import keras_files

keras.utils.set_random_seed(0)
shared = keras.layers.Dense(3, name="shared")
x = keras.Input((None, 3))
y = ShiftingCluster(2)(shared(shared(x)))
keras_files.save_model(keras.Model(x, y), pathlib.Path(sys.argv[1]))
"""


@pytest.mark.programs
def test_two_processes_write_the_same_bytes_of_a_model(tmp_path):
    paths = [tmp_path / f"{number}.keras" for number in range(2)]
    for number, path in enumerate(paths):
        # Another order of sets, other addresses, another time of day.
        env = {"PYTHONHASHSEED": str(number)}
        output_of(run_python("-c", SAVE, path, env=env))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with zipfile.ZipFile(paths[0]) as archive:
        assert {x.date_time[0] for x in archive.infolist()} == {1980}
        assert b"1980-" in archive.read("metadata.json")
    loaded = keras.models.load_model(paths[0])
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    y = loaded.predict_on_batch(x)
    np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, rtol=1e-5)


def test_a_write_that_fails_leaves_the_file_before(
    model, tmp_path, monkeypatch
):
    path = tmp_path / "best.weights.h5"
    keras_files.save_weights(model, path)
    before = path.read_bytes()

    def fail(named):
        named.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(model, "save_weights", fail)
    with pytest.raises(OSError, match="no space left"):
        keras_files.save_weights(model, path)
    assert path.read_bytes() == before
    assert [x.name for x in tmp_path.iterdir()] == [path.name]
