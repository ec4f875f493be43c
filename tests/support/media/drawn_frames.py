"""Frames that tell which they are, and which way up.

A drawn frame has a red, a green and a blue quarter (top left, top right,
bottom left); the grey of the fourth says the frame's number, modulo 32.
"""

import numpy as np

STEP = 7  # of grey, from one number to the next


def draw(number, size=(64, 48)):
    """One frame, uint8 `(height, width, 3)`."""
    width, height = size
    frame = np.full((height, width, 3), 20 + STEP * (number % 32), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    frame[:middle_y, :middle_x] = (220, 30, 30)
    frame[:middle_y, middle_x:] = (30, 220, 30)
    frame[middle_y:, :middle_x] = (30, 30, 220)
    return frame


def quarters(frame):
    """Mean colors of the middles of the quarters, in reading order."""
    height, width = frame.shape[:2]
    return [
        frame[
            row * height // 8 : (row + 2) * height // 8,
            column * width // 8 : (column + 2) * width // 8,
        ]
        .reshape(-1, frame[0, 0].size)
        .mean(axis=0)
        for row in (1, 5)
        for column in (1, 5)
    ]


def read_numbers(frames):
    """The numbers that upright frames were drawn with."""
    return [
        round((float(quarters(frame)[3].mean()) - 20) / STEP)
        for frame in frames
    ]


def is_upright(frame):
    """Returns True if each corner has its color."""
    means = quarters(frame)[:3]
    return [int(x.argmax()) for x in means] == [0, 1, 2] and all(
        np.ptp(x) > 120 for x in means
    )


def stored(frame, rotation, flip):
    """Returns the stored frame that a player displays as `frame`."""
    frame = frame[:, ::-1] if flip else frame
    return np.ascontiguousarray(np.rot90(frame, -rotation // 90))
