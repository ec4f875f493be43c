"""log_mel_patches against a NumPy reference, and its arguments."""

import importlib.util
import sys
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from ac_keras.extraction.inputs import log_mel
from ac_keras.extraction.inputs.log_mel import choose_ops
from ac_keras.extraction.inputs.log_mel import log_mel_patches
from support.media.log_mel_reference import reference_filters
from support.media.log_mel_reference import reference_patches
from support.media.log_mel_reference import tone

HAS_TENSORFLOW_IO = importlib.util.find_spec("tensorflow_io") is not None
OPS = ["tf_signal"] + ["tensorflow_io"] * HAS_TENSORFLOW_IO


def signals():
    """Sounds of 1.5 s, loud and soft, pure and noisy."""
    rng = np.random.default_rng(0)
    time = np.arange(24000) / 16000
    return {
        "noise": rng.uniform(-1, 1, 24000),
        "whisper": rng.normal(0, 1e-4, 24000),
        "chirp": np.sin(2 * np.pi * (50 * time + 2600 * time**2)),
        "square": np.sign(np.sin(2 * np.pi * 200 * time)),
        "level": np.ones(24000),
        "silence": np.zeros(24000),
        "click": np.eye(1, 24000, 8000)[0],
        **{
            f"{frequency} Hz": tone(1.5, 16000, frequency, 1.0)
            for frequency in (50, 125, 440, 1000, 4164, 7499)
        },
    }


SIGNALS = signals()


@pytest.fixture(params=OPS)
def ops(request):
    return request.param


@pytest.mark.parametrize("name", SIGNALS)
def test_it_agrees_with_the_definition(name, ops):
    samples = SIGNALS[name].astype(np.float32)
    expected = reference_patches(samples, patch_step=48)
    patches = log_mel_patches(samples, patch_step=48, ops=ops)
    assert patches.dtype == np.float32
    np.testing.assert_allclose(patches, expected, rtol=0, atol=2e-6)


@pytest.mark.skipif(not HAS_TENSORFLOW_IO, reason="needs tensorflow-io")
def test_the_bands_are_those_of_tensorflow_io():
    import tensorflow_io as tfio

    bins = tf.eye(257)
    weights = tfio.audio.melscale(bins, 16000, 64, 125.0, 7500.0)
    np.testing.assert_allclose(weights, reference_filters(), atol=2e-5)


def test_the_spectrum_is_that_of_librosa():
    librosa = pytest.importorskip("librosa")
    samples = SIGNALS["chirp"].astype(np.float32)
    magnitudes = np.abs(
        librosa.stft(
            np.pad(samples, 56),  # it centres the window among 512 samples
            n_fft=512,
            hop_length=160,
            win_length=400,
            window="hann",
            center=False,
        )
    )
    expected = np.log(magnitudes.T @ reference_filters() + 0.01)
    frames = log_mel_patches(samples)[0]
    np.testing.assert_allclose(frames, expected[:96], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("frequency", "band"),
    # (2595 log10(1 + Hz / 700) - 185.17) / 39.82 - 1, to the nearest
    [(200, 1), (440, 8), (1000, 19), (3000, 41), (7000, 62)],
)
def test_a_tone_is_loudest_in_its_band(frequency, band, ops):
    sine = tone(1.0, 16000, frequency)
    frames = log_mel_patches(sine, ops=ops)[0]
    np.testing.assert_array_equal(frames.argmax(axis=1), band)


def test_a_short_audio_is_padded_with_silence(ops):
    samples = SIGNALS["noise"][:5000]
    patches = log_mel_patches(samples, ops=ops)
    whole = log_mel_patches(np.append(samples, np.zeros(10600)), ops=ops)
    np.testing.assert_array_equal(patches, whole)
    assert (patches[0, :20] > 0).mean() > 0.9
    np.testing.assert_allclose(patches[0, 32:], np.log(0.01), rtol=1e-6)


NUM_PATCHES = {  # by number of samples and step
    (1, 96): 1,
    (15600, 96): 1,
    (15600 + 95 * 160, 96): 1,
    (15600 + 96 * 160, 96): 2,
    (160000, 96): 10,
    (160000, 48): 19,
    (160000, 1): 903,
    (160000, 200): 5,
}


def test_any_length_and_step_agree_with_the_definition(ops):
    rng = np.random.default_rng(2)
    drawn = rng.integers((1, 1), (50000, 200), (20, 2))
    for num_samples, step in [*NUM_PATCHES, *map(tuple, drawn.tolist())]:
        samples = rng.uniform(-1, 1, num_samples)
        patches = log_mel_patches(samples, step, ops)
        expected = reference_patches(samples, step)
        np.testing.assert_allclose(patches, expected, rtol=0, atol=2e-6)
        count = NUM_PATCHES.get((num_samples, step), len(expected))
        assert len(patches) == count


def test_a_frame_does_not_depend_on_what_surrounds_it(ops):
    samples = SIGNALS["noise"]
    early = log_mel_patches(samples[:15600], ops=ops)[0]
    shifted = np.append(np.ones(160 * 50), samples[:15600])
    late = log_mel_patches(shifted, patch_step=50, ops=ops)[1]
    np.testing.assert_allclose(early, late, rtol=0, atol=1e-6)
    longer = log_mel_patches(np.tile(samples, 3), ops=ops)[0]
    np.testing.assert_array_equal(early, longer)


def test_it_is_traced_once_for_all_lengths(ops):
    for num_samples in (1, 15600, 15601, 50000):
        log_mel_patches(np.zeros(num_samples), ops=ops)
    function = log_mel._block_function(ops)
    assert function.experimental_get_tracing_count() == 1


def test_a_long_audio_needs_no_memory_for_its_windows():
    samples = np.zeros(600 * 16000, np.float32)
    log_mel_patches(samples[:1], ops="tf_signal")  # traces
    tracemalloc.start()
    patches = log_mel_patches(samples, ops="tf_signal")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(patches) == 624
    assert peak < 2.2 * patches.nbytes < samples.nbytes


SILENCE = np.zeros(16000)
BAD_ARGUMENTS = {
    "no samples": {"samples": np.zeros(0)},
    "stereo": {"samples": np.zeros((2, 16000))},
    "integers": {"samples": np.zeros(16000, np.int16)},
    "undivided": {"samples": np.full(16000, 20000.0)},
    "no number": {"samples": np.array([0.0, np.nan])},
    "infinite": {"samples": np.array([0.0, -np.inf])},
    **{f"step {x!r}": {"patch_step": x} for x in (0, -96, 48.0, "48", None)},
    "operations": {"ops": "librosa"},
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_other_arguments_are_rejected(case):
    ((name, value),) = BAD_ARGUMENTS[case].items()
    said = (
        "samples of .* Take the" if name == "samples" else f"{name}={value!r}"
    )
    with pytest.raises(ValueError, match=f"Received: {said}"):
        log_mel_patches(**{"samples": SILENCE, name: value})


@pytest.fixture
def forget_loaded():
    """Looks for tensorflow-io again, in this test and after it."""
    cached = (log_mel._tensorflow_io_loads, log_mel._block_function)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_tensorflow_io_is_taken_where_it_loads():
    tfio = pytest.importorskip("tensorflow_io")
    try:
        tfio.audio.encode_wav(np.zeros((1, 1), np.int16), rate=16000)
        expected = "tensorflow_io"
    except NotImplementedError:  # built for another TensorFlow
        expected = "tf_signal"
    assert choose_ops() == choose_ops("auto") == expected


def test_without_tensorflow_io_tf_signal_is_taken(monkeypatch, forget_loaded):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)
    assert choose_ops() == "tf_signal"
    assert log_mel_patches(SILENCE).shape == (1, 96, 64)
    with pytest.raises(ImportError, match="use ops='tf_signal'"):
        log_mel_patches(SILENCE, ops="tensorflow_io")


def test_a_library_for_another_tensorflow_is_not_taken(
    monkeypatch, forget_loaded
):
    tfio = pytest.importorskip("tensorflow_io")

    def encode_wav(*arguments, **keywords):
        raise NotImplementedError("unable to open file: libtensorflow_io.so")

    monkeypatch.setattr(tfio.audio, "encode_wav", encode_wav)
    assert choose_ops() == "tf_signal"
