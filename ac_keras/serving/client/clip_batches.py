"""From clips of any lengths to the inputs of a request."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np

from ac_keras.serving.client.served_signature import COUNT


@dataclasses.dataclass(frozen=True)
class Batch:
    """What goes into one request.

    Attributes:
        first: How many clips came before.
        clips: The clips, checked.
    """

    first: int
    clips: list[Any]

    def __str__(self) -> str:
        last = self.first + len(self.clips) - 1
        if last == self.first:
            return f"clip {last}"
        # So much for the numbers of clips in the server's own messages.
        relative = ", which it counts from 0" if self.first else ""
        return f"clips {self.first} to {last}{relative}"


def make_batches(
    clips: Iterable[Any],
    check: Callable[[Any, int], Any],
    batch_size: int,
) -> Iterator[Batch]:
    """Groups clips, the last batch being smaller if need be.

    Args:
        clips: May be endless.
        check: Takes a clip and its index; gives what is sent for it.
        batch_size: Clips in a batch.

    Yields:
        The batches. What a clip raises is raised when the clips before it
        were yielded.
    """
    first, checked, failure = 0, [], None
    clips = iter(clips)
    while failure is None:
        try:
            checked.append(check(next(clips), first + len(checked)))
        except Exception as error:  # StopIteration as well
            failure = error
        if checked and (failure or len(checked) == batch_size):
            yield Batch(first, checked)
            first, checked = first + len(checked), []
    if not isinstance(failure, StopIteration):
        raise failure


def check_clip(
    clip: Mapping[str, Any], index: int, dims: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Gives a clip's frames by modality, float32 `(num_frames, dim)`.

    Args:
        clip: Frames by modality; an absent one is missing, None or empty.
        index: The clip's place, for messages.
        dims: The modalities of the model and their dims.

    Raises:
        ValueError: If there is another modality, frames have another shape
            or are no numbers, or there is no frame at all.
    """
    if not isinstance(clip, Mapping):
        raise ValueError(
            "Expected each clip as a mapping from modality to frames. "
            f"Received: {type(clip).__name__} for clip {index}. Give for "
            "example {'rgb': frames}."
        )
    unknown = sorted(str(name) for name in set(clip) - set(dims))
    if unknown:
        raise ValueError(
            f"Expected modalities among {list(dims)}, which the model takes. "
            f"Received: {unknown} in clip {index}. Leave them out."
        )
    frames = {
        name: _check_frames(clip.get(name), f"{name!r} of clip {index}", dim)
        for name, dim in dims.items()
    }
    if not any(map(len, frames.values())):
        raise ValueError(
            f"Expected a frame or more in one of {list(dims)}. Received: none "
            f"in clip {index}. Leave the clip out."
        )
    return frames


def _check_frames(values, name, dim):
    if values is None:
        return np.zeros((0, dim), np.float32)
    try:
        frames = np.asarray(values)
    except ValueError as error:  # nested lists of unlike lengths
        raise ValueError(
            f"Expected frames of shape (num_frames, {dim}). Received: rows of "
            f"unlike lengths for {name}. Give every frame {dim} numbers."
        ) from error
    if frames.shape == (0,):
        return np.zeros((0, dim), np.float32)
    if frames.dtype.kind not in "fiu":
        raise ValueError(
            f"Expected frames of numbers. Received: dtype={frames.dtype} for "
            f"{name}. Convert them to float32."
        )
    if frames.ndim != 2 or frames.shape[1] != dim:
        raise ValueError(
            f"Expected frames of shape (num_frames, {dim}). Received: "
            f"shape={frames.shape} for {name}. Give every frame {dim} numbers."
        )
    with np.errstate(over="ignore"):  # to infinity, which the server refuses
        return frames.astype(np.float32)


def pad_clips(
    clips: list[dict[str, np.ndarray]], dims: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Makes one batch of checked clips.

    Returns:
        For every modality float32 `(batch, num_frames, dim)`, of one frame or
        more, and int32 `MODALITY_num_frames` `(batch,)`.
    """
    inputs = {}
    for name, dim in dims.items():
        counts = [len(clip[name]) for clip in clips]
        shape = (len(clips), max(*counts, 1), dim)  # no dim in JSON's []
        padded = np.zeros(shape, np.float32)
        for row, clip in zip(padded, clips, strict=True):
            row[: len(clip[name])] = clip[name]
        inputs[name] = padded
        inputs[name + COUNT] = np.array(counts, np.int32)
    return inputs
