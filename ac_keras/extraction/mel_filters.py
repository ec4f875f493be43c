"""The mel scale, by the definition of HTK that VGGish took."""

import numpy as np


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
