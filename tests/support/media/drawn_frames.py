"""Frames that tell which they are, and which way up.

A drawn frame has a red, a green and a blue quarter (top left, top right,
bottom left); the grey of the fourth says the frame's number, modulo 32.
"""

import numpy as np

STEP = 7  # of grey, from one number to the next


def draw(number, size=(64, 48)):
    """The picture of one frame, uint8 `(height, width, 3)`."""
    width, height = size
    picture = np.full((height, width, 3), 20 + STEP * (number % 32), np.uint8)
    middle_x, middle_y = width // 2, height // 2
    picture[:middle_y, :middle_x] = (220, 30, 30)
    picture[:middle_y, middle_x:] = (30, 220, 30)
    picture[middle_y:, :middle_x] = (30, 30, 220)
    return picture


def quarters(picture):
    """Mean colours of the middles of the quarters, in reading order."""
    height, width = picture.shape[:2]
    return [
        picture[
            row * height // 8 : (row + 2) * height // 8,
            column * width // 8 : (column + 2) * width // 8,
        ]
        .reshape(-1, picture[0, 0].size)
        .mean(axis=0)
        for row in (1, 5)
        for column in (1, 5)
    ]


def read_numbers(pictures):
    """The numbers that upright frames were drawn with."""
    return [
        round((float(quarters(picture)[3].mean()) - 20) / STEP)
        for picture in pictures
    ]


def is_upright(picture):
    """Whether each corner has its own colour."""
    means = quarters(picture)[:3]
    return [int(x.argmax()) for x in means] == [0, 1, 2] and all(
        np.ptp(x) > 120 for x in means
    )


def stored(picture, rotation, flip):
    """The picture that a player shows as `picture`, turning it."""
    picture = picture[:, ::-1] if flip else picture
    return np.ascontiguousarray(np.rot90(picture, -rotation // 90))
