"""Sines, and log-mel frames by their definition, in float64."""

import numpy as np

BINS, PLACES = np.arange(257), np.arange(400)
WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * PLACES / 400)
# The transform as a sum: 512 points of which 400 are the window.
WAVES = np.exp(-2j * np.pi * np.outer(PLACES, BINS) / 512)


def reference_filters():
    """Weights from 257 bins to 64 bands, `(257, 64)`."""
    edges = np.linspace(mel(125.0), mel(7500.0), 66)
    distances = np.abs(mel(BINS[:, None] * 16000 / 512) - edges[1:-1])
    return np.maximum(0.0, 1 - distances / (edges[1] - edges[0]))


def mel(frequency):
    """HTK's."""
    return 2595.0 * np.log10(1.0 + frequency / 700.0)


def reference_patches(samples, patch_step=96):
    """`(num_samples,)` at 16 kHz to `(num_patches, 96, 64)`."""
    samples = np.pad(samples, (0, max(0, 15600 - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160]
    magnitudes = np.abs((windows * WINDOW) @ WAVES)
    frames = np.log(magnitudes @ reference_filters() + 0.01)
    starts = range(0, len(frames) - 95, patch_step)
    return np.stack([frames[start : start + 96] for start in starts])


def tone(seconds, rate, frequency=440.0, amplitude=0.5):
    """A sine, float64 `(num_samples,)`."""
    time = np.arange(round(seconds * rate)) / rate
    return amplitude * np.sin(2 * np.pi * frequency * time)
