"""Sines, and log-mel frames by their definition, in float64."""

import math

import numpy as np


def reference_frames(samples):
    """`(num_samples,)` at 16 kHz to `(num_frames, 64)`."""
    window = [
        0.5 - 0.5 * math.cos(2 * math.pi * place / 400) for place in range(400)
    ]
    # The transform as a sum: 512 points of which 400 are the window.
    bins, places = np.arange(257)[:, None], np.arange(400)[None, :]
    waves = np.exp(-2j * np.pi * bins * places / 512)
    num_frames = (len(samples) - 400) // 160 + 1
    frames = [
        np.asarray(samples[first : first + 400], np.float64) * window
        for first in range(0, num_frames * 160, 160)
    ]
    magnitudes = np.abs(np.stack(frames) @ waves.T)
    return np.log(magnitudes @ reference_filters() + 0.01)


def reference_filters():
    """Weights from 257 bins to 64 bands, `(257, 64)`."""
    low, high = mel(125.0), mel(7500.0)
    step = (high - low) / 65
    weights = np.zeros((257, 64))
    for place in range(257):
        for band in range(64):
            peak = low + (band + 1) * step
            distance = abs(mel(place * 16000 / 512) - peak)
            weights[place, band] = max(0.0, 1 - distance / step)
    return weights


def mel(frequency):
    """HTK's."""
    return 2595.0 * math.log10(1.0 + frequency / 700.0)


def reference_patches(samples, patch_step=96):
    """`(num_patches, 96, 64)`."""
    missing = 15600 - len(samples)
    if missing > 0:
        samples = np.concatenate([samples, np.zeros(missing)])
    frames = reference_frames(samples)
    starts = range(0, len(frames) - 95, patch_step)
    return np.stack([frames[start : start + 96] for start in starts])


def tone(seconds, rate, frequency=440.0, amplitude=0.5):
    """A sine, float64 `(num_samples,)`."""
    time = np.arange(round(seconds * rate)) / rate
    return amplitude * np.sin(2 * np.pi * frequency * time)
