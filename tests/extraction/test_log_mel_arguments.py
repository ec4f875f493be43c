"""What log-mel patches refuse, and which operations they take."""

import sys

import numpy as np
import pytest

from ac_keras.extraction.inputs import log_mel
from ac_keras.extraction.inputs.log_mel import choose_ops
from ac_keras.extraction.inputs.log_mel import log_mel_patches


@pytest.fixture
def without_tensorflow_io(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    for cached in (log_mel._tensorflow_io_loads, log_mel._block_function):
        cached.cache_clear()
    yield
    for cached in (log_mel._tensorflow_io_loads, log_mel._block_function):
        cached.cache_clear()


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros((2, 16000)),
        np.zeros(16000, np.int16),
        np.full(16000, 20000.0),
        np.array([0.0, np.nan]),
        np.array([0.0, -np.inf]),
    ],
    ids=["none", "stereo", "integers", "undivided", "no number", "infinite"],
)
def test_samples_of_another_kind_are_refused(samples):
    with pytest.raises(ValueError, match="Received: samples of .* Take the"):
        log_mel_patches(samples)


@pytest.mark.parametrize("patch_step", [0, -96, 48.0, "48", None])
def test_an_impossible_step_is_refused(patch_step):
    with pytest.raises(ValueError, match="Received: patch_step="):
        log_mel_patches(np.zeros(16000), patch_step)


def test_unknown_operations_are_refused():
    with pytest.raises(ValueError, match="Received: ops='librosa'"):
        log_mel_patches(np.zeros(16000), ops="librosa")


def test_tensorflow_io_is_taken_where_it_loads():
    tfio = pytest.importorskip("tensorflow_io")
    try:
        tfio.audio.encode_wav(np.zeros((1, 1), np.int16), rate=16000)
        expected = "tensorflow_io"
    except NotImplementedError:  # built for another TensorFlow
        expected = "tf_signal"
    assert choose_ops() == choose_ops("auto") == expected


def test_without_tensorflow_io_tf_signal_is_taken(without_tensorflow_io):
    assert choose_ops() == "tf_signal"
    assert log_mel_patches(np.zeros(16000)).shape == (1, 96, 64)


def test_a_library_for_another_tensorflow_is_not_taken(monkeypatch):
    tfio = pytest.importorskip("tensorflow_io")

    def encode_wav(*arguments, **keywords):
        raise NotImplementedError("unable to open file: libtensorflow_io.so")

    monkeypatch.setattr(tfio.audio, "encode_wav", encode_wav)
    log_mel._tensorflow_io_loads.cache_clear()
    assert choose_ops() == "tf_signal"
    log_mel._tensorflow_io_loads.cache_clear()


def test_tensorflow_io_asked_for_and_not_there_is_an_error(
    without_tensorflow_io,
):
    with pytest.raises(ImportError, match="Use ops='tf_signal'"):
        log_mel_patches(np.zeros(16000), ops="tensorflow_io")
