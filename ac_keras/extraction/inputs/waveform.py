"""Windows of a waveform, for audio backbones that take samples."""

import numpy as np


def waveform_windows(
    samples: np.ndarray, window: int, step: int, padding: int = 0
) -> np.ndarray:
    """Cuts audio into windows, which overlap if they are longer than a step.

    The windows share the samples: an hour of overlapping windows needs the
    memory of an hour of samples.

    Args:
        samples: float `(num_samples,)`. Audio shorter than a window is padded
            with silence at its end; an incomplete last window of longer audio
            is left out.
        window: Samples of a window.
        step: Samples from the start of one window to the next.
        padding: Samples of silence before and after the audio.

    Returns:
        A read-only view `(num_windows, window)`, at least one window.
    """
    if padding:
        samples = np.pad(samples, padding)
    if len(samples) < window:
        samples = np.pad(samples, (0, window - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, window)
    return windows[::step]


def join_windows(windows: np.ndarray, step: int) -> np.ndarray:
    """Returns the samples of `waveform_windows`; zeros where none has them."""
    num_windows, window = windows.shape
    samples = np.zeros((num_windows - 1) * step + window, windows.dtype)
    for index, values in enumerate(windows):
        samples[index * step :][:window] = values
    return samples
