"""Sines."""

import numpy as np


def tone(seconds, rate, frequency=440.0, amplitude=0.5):
    """A sine, float64 `(num_samples,)`."""
    time = np.arange(round(seconds * rate)) / rate
    return amplitude * np.sin(2 * np.pi * frequency * time)
