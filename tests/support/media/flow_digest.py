"""A moving texture, and a digest of its flow to compare processes."""

import hashlib

import numpy as np

from ac_keras.extraction.inputs import optical_flow


def moving_frames(motion, num_frames, height=48, width=64, seed=0):
    """Frames `(num_frames, height, width)` that move by (x, y) a frame.

    Waves of 8 to 40 pixels in all directions: smooth, and nowhere alike.
    """
    rng = np.random.default_rng(seed)
    lengths, angles, phases = rng.uniform(
        [[8], [0], [0]], [[40], [2 * np.pi], [2 * np.pi]], (3, 40)
    )
    t, y, x, _ = np.ogrid[:num_frames, :height, :width, :1]
    x, y = x - t * motion[0], y - t * motion[1]
    along = (x * np.cos(angles) + y * np.sin(angles)) / lengths
    gray = 127.5 + 14 * np.cos(2 * np.pi * along + phases).sum(-1)
    return np.rint(np.clip(gray, 0, 255)).astype(np.uint8)


def digest_flow():
    """Hashes the flow of three frames by every method."""
    digest = hashlib.sha256()
    gray = moving_frames((1.5, -0.5), 3, height=36, width=50)[None]
    for method in optical_flow.METHODS:
        digest.update(optical_flow.flow_stacks(gray, method).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(digest_flow())
