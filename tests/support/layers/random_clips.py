"""Random clips, masks and layers with random weights, alpha and beta too."""

import numpy as np


def draw_frames(seed, batch=4, num_frames=6, dim=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, num_frames, dim)).astype("float32")


def draw_shape(seed):
    """A random `(batch, num_frames, dim)`."""
    rng = np.random.default_rng(seed)
    return tuple(int(size) for size in rng.integers(2, 9, 3))


def draw_mask(seed, batch=4, num_frames=6):
    """A mask that keeps at least one frame of every clip, but not all."""
    rng = np.random.default_rng(seed)
    mask = rng.random((batch, num_frames)) < 0.5
    mask[np.arange(batch), rng.integers(0, num_frames, batch)] = True
    mask[0, :2] = (True, False)
    return mask


def randomize(layer, seed):
    """Sets every trained weight of a layer to random numbers of size one."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0, 0.7, weight.shape))
    return layer


def build_randomly(layer, seed, dim=5):
    """Builds the layer for clips of any length, with random weights."""
    layer.build((None, None, dim))
    return randomize(layer, seed)
