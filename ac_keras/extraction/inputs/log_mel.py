"""Sound as log-mel patches, VGGish's front end (section 5.2).

The 16 kHz sound is cut into windows of 25 ms, one every 10 ms; a window's
magnitudes are summed into 64 mel bands between 125 and 7500 Hz, of which the
logarithm is taken. 96 such frames, 0.96 s, are a patch.

References: Hershey et al., CNN Architectures for Large-Scale Audio
Classification, ICASSP 2017.
"""

import functools
import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def mel_filters(
    num_bands: int,
    fft_size: int,
    sample_rate: float,
    lowest: float,
    highest: float,
) -> np.ndarray:
    """Makes the weights from a spectrum's magnitudes to mel bands.

    The bands are triangles on the mel scale, each as high as 1, whose feet
    stand on their neighbours' peaks. (librosa draws its triangles on the
    scale of Hz: same corners, bent sides.)

    Args:
        num_bands: Number of bands.
        fft_size: Length of the Fourier transform, even.
        sample_rate: In Hz.
        lowest: Where the first band begins, in Hz.
        highest: Where the last band ends, in Hz.

    Returns:
        float64 `(fft_size // 2 + 1, num_bands)`.
    """
    corners = np.linspace(hz_to_mel(lowest), hz_to_mel(highest), num_bands + 2)
    frequencies = np.arange(fft_size // 2 + 1) * (sample_rate / fft_size)
    mel = hz_to_mel(frequencies)[:, None]
    left, peak, right = corners[:-2], corners[1:-1], corners[2:]
    rising = (mel - left) / (peak - left)
    falling = (right - mel) / (right - peak)
    return np.maximum(np.minimum(rising, falling), 0.0)


def hz_to_mel(frequency: float | np.ndarray) -> float | np.ndarray:
    """Converts frequencies from Hz to mel."""
    return 1127.0 * np.log1p(np.asarray(frequency) / 700.0)


SAMPLE_RATE = 16000
WINDOW = 400  # samples
HOP = 160  # samples
FFT_SIZE = 512
NUM_BANDS = 64
LOWEST, HIGHEST = 125.0, 7500.0  # Hz
LOG_OFFSET = 0.01  # keeps silence finite
PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP + WINDOW
# Samples beyond 1 happen where a filter overshoots, beyond this they are
# integers that nobody divided.
LOUDEST = 4.0
OPS = ("auto", "tensorflow_io", "tf_signal")


def log_mel_patches(
    samples: np.ndarray, patch_step: int = PATCH_FRAMES, ops: str = "auto"
) -> np.ndarray:
    """Turns a sound into log-mel patches.

    It runs on the CPU. A frame's numbers depend on its own 25 ms alone, not on
    the sound's length nor on the operations that are taken: both give the same
    but for rounding.

    Args:
        samples: float `(num_samples,)`, one channel at 16 kHz in [-1, 1]. A
            sound shorter than a patch gets silence at its end; behind a
            longer one, an incomplete last patch is left out.
        patch_step: Frames from one patch to the next: 96 for patches side by
            side, 48 for patches that share a half.
        ops: "tensorflow_io" takes the audio operations of tensorflow-io,
            "tf_signal" those of TensorFlow; "auto" the former where they are
            installed for this TensorFlow.

    Returns:
        float32 `(num_patches, 96, 64)`, at least one patch.

    Raises:
        ImportError: If tensorflow-io is asked for and not installed.
        ValueError: If an argument is not as above.
    """
    samples = _check_samples(samples)
    if not isinstance(patch_step, int | np.integer) or patch_step < 1:
        raise ValueError(
            "Expected patch_step to be a positive integer. Received: "
            f"patch_step={patch_step!r}. Use {PATCH_FRAMES} for patches side "
            "by side."
        )
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
    """Tells which operations are taken.

    Args:
        ops: As in `log_mel_patches`.

    Returns:
        "tensorflow_io" or "tf_signal".

    Raises:
        ValueError: If it is none of the above.
    """
    if ops not in OPS:
        raise ValueError(
            f"Expected ops to be one of {', '.join(OPS)}. Received: "
            f"ops={ops!r}. Use 'auto' for what this machine has."
        )
    if ops == "auto":
        return "tensorflow_io" if _tensorflow_io_loads() else "tf_signal"
    return ops


def _check_samples(samples):
    samples = np.asarray(samples)
    wrong = ""
    if samples.ndim != 1 or samples.size == 0:
        wrong = f"shape {samples.shape}"
    elif not np.issubdtype(samples.dtype, np.floating):
        wrong = f"dtype {samples.dtype}"
    elif not max(samples.max(), -samples.min()) <= LOUDEST:  # finds NaN, too
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
def _block_function(ops) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes the function from a patch's samples to its frames.

    One shape for all sounds: it is traced once, its memory is the same for
    an hour as for a second.
    """
    magnitudes = {
        "tensorflow_io": _tensorflow_io_magnitudes,
        "tf_signal": _tf_signal_magnitudes,
    }[ops]()
    filters = mel_filters(NUM_BANDS, FFT_SIZE, SAMPLE_RATE, LOWEST, HIGHEST)

    @tf.function(input_signature=[tf.TensorSpec((PATCH_SAMPLES,), tf.float32)])
    def log_mel_block(samples):
        with tf.device("/CPU:0"):  # GPUs multiply matrices to 10 bits
            # A transform in float32 leaves so much of a loud tone in silent
            # bands that their logarithms are off by 7e-4.
            spectrum = magnitudes(tf.cast(samples, tf.float64))
            bands = tf.matmul(spectrum, filters)
            return tf.cast(tf.math.log(bands + LOG_OFFSET), tf.float32)

    return log_mel_block


def _tf_signal_magnitudes():
    return lambda x: tf.abs(tf.signal.stft(x, WINDOW, HOP, FFT_SIZE))


def _tensorflow_io_magnitudes():
    """Makes its spectrogram.

    Its melscale has the bands of `mel_filters`, but computes their weights in
    float32, wrong by 1e-5: a pure tone's bands then differ by 1e-4.
    """
    tfio = _import_tensorflow_io()

    def magnitudes(samples):
        spectrum = tfio.audio.spectrogram(samples, FFT_SIZE, WINDOW, HOP)
        # It goes on until no sample is left, padding the last windows.
        return spectrum[:PATCH_FRAMES]

    return magnitudes


def _import_tensorflow_io():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of file systems it cannot load
            import tensorflow_io
    except ImportError as error:
        raise ImportError(
            f"Expected tensorflow-io. Received: {error}. Use ops='tf_signal', "
            "which gives the same, or install tensorflow-io."
        ) from error
    return tensorflow_io


@functools.cache
def _tensorflow_io_loads():
    """Tells whether its native library fits this TensorFlow."""
    try:
        tfio = _import_tensorflow_io()
        tfio.audio.encode_wav(tf.zeros((1, 1), tf.int16), rate=SAMPLE_RATE)
    except (ImportError, NotImplementedError, tf.errors.OpError, OSError):
        return False
    return True
