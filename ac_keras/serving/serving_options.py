"""What is decided when a model is exported."""

import dataclasses

from ac_keras.pipeline import Manifest


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """What is decided when a model is exported.

    Attributes:
        top_k: How many classes to name; all if there are fewer.
        sample_size: Frames taken at equal intervals from a clip that comes as
            a record; 0 takes all.
        max_frames: The most frames of a clip and modality; a request with a
            longer one is refused.

    Raises:
        ValueError: If a number is out of range.
    """

    top_k: int = 5
    sample_size: int = 0
    max_frames: int = 10_000

    def __post_init__(self):
        if self.top_k < 1 or self.sample_size < 0 or self.max_frames < 1:
            raise ValueError(
                "Serving expects top_k and max_frames of 1 or more and "
                f"sample_size of 0 or more. Received: {self}."
            )


def frame_limit(manifest: Manifest) -> int:
    """Gives a `max_frames` that lets all clips of a dataset through."""
    longest = [
        length
        for split in manifest.splits.values()
        for length in split.max_num_frames.values()
    ]
    return max([ServingOptions.max_frames, *longest])
