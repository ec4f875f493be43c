"""Log-mel patches of audio, as in VGGish's front end (section 5.2).

Audio at 16 kHz is cut into windows of 25 ms, one every 10 ms. The magnitudes of
a window's spectrum are summed into 64 mel bands between 125 and 7500 Hz, and
the logarithm is taken. 96 such frames, 0.96 s, form a patch.

References:
    Hershey et al., CNN Architectures for Large-Scale Audio Classification,
    ICASSP 2017.
"""

import functools
import warnings

import numpy as np
import tensorflow as tf

from ac_keras.extraction.media.frame_times import check_positive_integer

SAMPLE_RATE = 16000  # Hz
WINDOW = 400  # samples
HOP = 160  # samples
FFT_SIZE = 512
NUM_BANDS = 64
LOWEST, HIGHEST = 125.0, 7500.0  # Hz
LOG_OFFSET = 0.01  # keeps silence finite
PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP + WINDOW
# Filters overshoot beyond 1. Values beyond this limit are integers that were
# not divided by their full scale.
MAX_SAMPLE = 4.0
OPS = ("auto", "tensorflow_io", "tf_signal")


def log_mel_patches(
    samples: np.ndarray, patch_step: int = PATCH_FRAMES, ops: str = "auto"
) -> np.ndarray:
    """Computes the log-mel patches of audio.

    It runs on the CPU. The values of a frame depend on its own 25 ms alone,
    not on the length of the audio. Both sets of operations give the same
    values up to rounding.

    Args:
        samples: float `(num_samples,)`, one channel at 16 kHz in [-1, 1].
            Audio shorter than a patch is padded with silence at its end; an
            incomplete last patch of longer audio is left out.
        patch_step: Frames from one patch to the next: 96 for adjacent patches,
            48 for patches that overlap by half.
        ops: "tensorflow_io" uses the audio operations of tensorflow-io,
            "tf_signal" those of TensorFlow; "auto" uses tensorflow-io where
            its native library loads.

    Returns:
        float32 `(num_patches, 96, 64)`, at least one patch.

    Raises:
        ImportError: If tensorflow-io is requested and not installed.
        ValueError: If an argument is not valid.
    """
    samples = _check_samples(samples)
    check_positive_integer("patch_step", patch_step)
    compute = _block_function(choose_ops(ops))
    if len(samples) < PATCH_SAMPLES:
        samples = np.pad(samples, (0, PATCH_SAMPLES - len(samples)))
    num_frames = 1 + (len(samples) - WINDOW) // HOP
    num_patches = 1 + (num_frames - PATCH_FRAMES) // patch_step
    used = (num_patches - 1) * patch_step + PATCH_FRAMES
    frames = _log_mel(samples, used, compute)
    patches = np.lib.stride_tricks.sliding_window_view(
        frames, PATCH_FRAMES, axis=0
    )[::patch_step]  # (num_patches, 64, 96)
    return np.ascontiguousarray(patches.transpose(0, 2, 1))


def choose_ops(ops: str = "auto") -> str:
    """Returns the set of operations to use, "tensorflow_io" or "tf_signal".

    Raises:
        ValueError: If `ops` is unknown.
    """
    if ops not in OPS:
        raise ValueError(
            f"Expected ops to be one of {', '.join(OPS)}. Received: "
            f"ops={ops!r}. Use 'auto' for the best available."
        )
    if ops == "auto":
        return "tensorflow_io" if _tensorflow_io_loads() else "tf_signal"
    return ops


def mel_filters(
    num_bands: int,
    fft_size: int,
    sample_rate: float,
    lowest: float,
    highest: float,
) -> np.ndarray:
    """Computes weights to mel bands, float64 `(fft_size // 2 + 1, num_bands)`.

    The bands are triangles of height 1 on the mel scale from `lowest` to
    `highest` Hz, which start and end at their neighbors' peaks. (librosa's
    triangles are straight on the scale of Hz.)
    `tf.signal.linear_to_mel_weight_matrix` agrees to 2e-14, but then one in two
    million float32 log-mel values is rounded differently.
    """
    ends = _hz_to_mel(lowest), _hz_to_mel(highest)
    corners = np.linspace(*ends, num_bands + 2)
    frequencies = np.arange(fft_size // 2 + 1) * (sample_rate / fft_size)
    mel = _hz_to_mel(frequencies)[:, None]
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (mel - left) / (peak - left)
    falling = (right - mel) / (right - peak)
    return np.maximum(np.minimum(rising, falling), 0.0)


def _hz_to_mel(frequency):
    return 1127.0 * np.log1p(frequency / 700.0)


def _check_samples(samples):
    samples = np.asarray(samples)
    wrong = ""
    if samples.ndim != 1 or samples.size == 0:
        wrong = f"shape {samples.shape}"
    elif not np.issubdtype(samples.dtype, np.floating):
        wrong = f"dtype {samples.dtype}"
    elif not max(samples.max(), -samples.min()) <= MAX_SAMPLE:  # or NaN
        wrong = f"values {samples.min()} to {samples.max()}"
    if wrong:
        raise ValueError(
            "Expected samples to be floats (num_samples,) in [-1, 1], at "
            f"least one. Received: samples of {wrong}. Take the mean of the "
            "channels, divide 16-bit integers by 32768."
        )
    return samples.astype(np.float32, copy=False)


def _log_mel(samples, num_frames, compute):
    """Computes frames block by block, `(num_frames, 64)`."""
    frames = np.empty((num_frames, NUM_BANDS), np.float32)
    for first in range(0, num_frames, PATCH_FRAMES):
        block = samples[first * HOP :][:PATCH_SAMPLES]
        block = np.pad(block, (0, PATCH_SAMPLES - len(block)))
        values = compute(block).numpy()
        frames[first : first + PATCH_FRAMES] = values[: num_frames - first]
    return frames


@functools.cache
def _block_function(ops):
    """Returns the function from a patch's samples to its frames."""
    # One shape for all audio: an hour needs as much memory as a second.
    magnitudes = {
        "tensorflow_io": _tensorflow_io_magnitudes,
        "tf_signal": _tf_signal_magnitudes,
    }[ops]()
    filters = mel_filters(NUM_BANDS, FFT_SIZE, SAMPLE_RATE, LOWEST, HIGHEST)

    @tf.function(input_signature=[tf.TensorSpec((PATCH_SAMPLES,), tf.float32)])
    def log_mel_block(samples):
        with tf.device("/CPU:0"):  # GPUs multiply matrices in TF32, 10 bits
            # In float32, a loud tone leaks so much into silent bands that
            # their logarithms are wrong by 7e-4.
            spectrum = magnitudes(tf.cast(samples, tf.float64))
            bands = tf.matmul(spectrum, filters)
            return tf.cast(tf.math.log(bands + LOG_OFFSET), tf.float32)

    return log_mel_block


def _tf_signal_magnitudes():
    return lambda x: tf.abs(tf.signal.stft(x, WINDOW, HOP, FFT_SIZE))


def _tensorflow_io_magnitudes():
    """Returns tensorflow-io's spectrogram."""
    # Not its melscale: its float32 weights change a pure tone's bands by 1e-4.
    tfio = _import_tensorflow_io()

    def magnitudes(samples):
        spectrum = tfio.audio.spectrogram(samples, FFT_SIZE, WINDOW, HOP)
        return spectrum[:PATCH_FRAMES]  # it pads the last windows

    return magnitudes


def _import_tensorflow_io():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of file systems that do not load
            import tensorflow_io
    except ImportError as error:
        raise ImportError(
            "Expected the package tensorflow-io to be installed. Received: "
            f"{error}. Install ac-keras[media], or use ops='tf_signal' for the "
            "same values."
        ) from error
    return tensorflow_io


@functools.cache
def _tensorflow_io_loads():
    """Returns True if its native library fits the installed TensorFlow."""
    try:
        tfio = _import_tensorflow_io()
        tfio.audio.encode_wav(tf.zeros((1, 1), tf.int16), rate=SAMPLE_RATE)
    except (ImportError, NotImplementedError, tf.errors.OpError, OSError):
        return False
    return True
