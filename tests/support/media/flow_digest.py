"""A moving texture, and a digest of its flow to compare processes."""

import hashlib

import numpy as np

from ac_keras.extraction.inputs import optical_flow


def draw_texture(seed):
    """Returns a function from coordinates x, y to gray values 0..255.

    Waves of 8 to 40 pixels in all directions: smooth, and nowhere alike.
    """
    rng = np.random.default_rng(seed)
    lengths, angles, phases = rng.uniform(
        [[8], [0], [0]], [[40], [2 * np.pi], [2 * np.pi]], (3, 40)
    )
    along_x = 2 * np.pi * np.cos(angles) / lengths
    along_y = 2 * np.pi * np.sin(angles) / lengths

    def look(x, y):
        waves = np.cos(x[..., None] * along_x + y[..., None] * along_y + phases)
        gray = 127.5 + 14 * waves.sum(-1)
        return np.rint(np.clip(gray, 0, 255)).astype(np.uint8)

    return look


def moving_frames(motion, num_frames, height=48, width=64, seed=0):
    """Frames `(num_frames, height, width)` that move by (x, y) a frame."""
    look = draw_texture(seed)
    y, x = np.mgrid[:height, :width].astype(float)
    return np.stack(
        [look(x - t * motion[0], y - t * motion[1]) for t in range(num_frames)]
    )


def digest_flow():
    """Hashes the flow of three frames by every method."""
    digest = hashlib.sha256()
    gray = moving_frames((1.5, -0.5), 3, height=36, width=50)[None]
    for method in optical_flow.METHODS:
        digest.update(optical_flow.flow_stacks(gray, method).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(digest_flow())
