"""Optical flow as colours."""

import numpy as np
from matplotlib import colors


def flow_colors(flow: np.ndarray, peak: float) -> np.ndarray:
    """Turns motion into colours: its direction the hue, its speed how full.

    Args:
        flow: Floats `(..., 2)`, to the right and downwards.
        peak: The speed of a full colour, in the flow's unit; faster motion
            looks the same. White is still.

    Returns:
        Red, green and blue from 0 to 1, `(..., 3)`.
    """
    x, y = flow[..., 0], flow[..., 1]
    hue = (np.arctan2(y, x) / (2 * np.pi)) % 1.0
    fullness = np.clip(np.hypot(x, y) / peak, 0, 1)
    return colors.hsv_to_rgb(
        np.stack([hue, fullness, np.ones_like(hue)], axis=-1)
    )


def color_wheel(side: int) -> np.ndarray:
    """Draws the colours of all motions, still in the middle.

    Args:
        side: Of the square, in pixels.

    Returns:
        Red, green, blue and opacity from 0 to 1, `(side, side, 4)`.
    """
    places = (np.arange(side) + 0.5) * 2 / side - 1
    motion = np.stack(np.meshgrid(places, places), axis=-1)  # y downwards
    inside = np.hypot(motion[..., 0], motion[..., 1]) <= 1
    wheel = flow_colors(motion, 1.0)
    return np.concatenate([wheel, inside[..., None]], axis=-1)
