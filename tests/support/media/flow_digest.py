"""Digest of a clip's flow, for comparison between processes."""

import hashlib

from ac_keras.extraction.inputs import optical_flow
from support.media.moving_texture import moving_frames


def digest_flow():
    """Hashes the flow of three frames by every method."""
    digest = hashlib.sha256()
    gray = moving_frames((1.5, -0.5), 3, height=36, width=50)[None]
    for method in optical_flow.METHODS:
        digest.update(optical_flow.flow_stacks(gray, method).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(digest_flow())
