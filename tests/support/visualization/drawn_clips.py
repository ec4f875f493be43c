"""Attended clips of random weights."""

import numpy as np

from ac_keras.visualization import AttendedClip


def random_weights(num_units, num_frames, seed=0):
    generator = np.random.default_rng(seed)
    weights = generator.uniform(size=(num_units, num_frames)) ** 8
    return weights / weights.sum(axis=1, keepdims=True)


def make_attended(index, right=True, attention=None, images=None):
    if attention is None:
        attention = {"rgb": random_weights(3, 4, index)}
    return AttendedClip(
        id=f"clip-{index}",
        labels=("cat",) if right else ("fox",),
        predictions=(("cat", 0.75), ("dog", 0.25)),
        attention=attention,
        images=images or {},
    )
