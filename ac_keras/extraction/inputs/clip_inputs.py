"""What the backbones receive of a media file."""

import contextlib
import dataclasses
import os
import time

import numpy as np

from ac_keras.extraction.inputs import log_mel
from ac_keras.extraction.inputs import optical_flow
from ac_keras.extraction.media import audio
from ac_keras.extraction.media import video
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import find_video
from ac_keras.extraction.media.container import open_media
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan

STEP_SECONDS = 0.01  # of a log-mel patch


@dataclasses.dataclass
class ClipInputs:
    """A clip before the backbones.

    Attributes:
        arrays: Mapping from modality to `(num_frames, *input_shape)`; without
            those that the file lacks.
        times: Mapping from modality to the seconds from the beginning at
            which each of them begins, float64 `(num_frames,)`.
        problems: What was wrong with a file that could be used none the less.
        seconds: Mapping from a stage to the time that it took.
    """

    arrays: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    times: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


def read_inputs(path: str | os.PathLike, plan: ExtractionPlan) -> ClipInputs:
    """Reads from a media file what a plan asks for.

    A modality that the file lacks, or whose track cannot be decoded while
    another's can, is left out.

    Args:
        path: The file.
        plan: What to take from it.

    Returns:
        The inputs of one modality or more.

    Raises:
        MediaError: If the file gives none.
        ImportError: If a package of `ac-keras[media]` is missing.
    """
    inputs = ClipInputs()
    with open_media(path) as container:
        has_video = find_video(container) is not None
        has_sound = bool(container.streams.audio)
    if plan.views and has_video:
        _read_frames(path, plan, inputs)
    if "audio" in plan.modalities and has_sound:
        _read_sound(path, plan.modalities["audio"], inputs)
    if not inputs.arrays:
        tracks = [
            *["pictures"] * has_video,
            *["sound"] * has_sound,
        ]
        why = "; ".join(inputs.problems)
        raise MediaError(
            f"Expected {' or '.join(plan.modalities)}. Received: {path} with "
            f"{' and '.join(tracks) or 'no track'}{why and f' ({why})'}. "
            "Leave the file out, or extract what it has."
        )
    return inputs


def _read_frames(path, plan, inputs):
    try:
        with _clock(inputs, "decoding pictures"):
            frames = video.read_frames(path, plan.choice, plan.views)
    except MediaError as error:
        inputs.problems.append(str(error))
        return
    inputs.problems += frames.problems
    for name in plan.views:
        inputs.times[name] = frames.times
        pixels = frames.arrays[name]
        if isinstance(plan.modalities[name], FlowPlan):
            with _clock(inputs, "optical flow"):
                pixels = make_flow(pixels, plan.modalities[name])
        else:
            pixels = pixels[:, 0]
        inputs.arrays[name] = pixels


def make_flow(gray: np.ndarray, plan: FlowPlan) -> np.ndarray:
    """Makes the flow's bytes of stacks of frames, cropped to the centre.

    Args:
        gray: uint8 `(num_stacks, stack_length + 1, height, width)`.
        plan: How.

    Returns:
        uint8 `(num_stacks, crop, crop, 2 * stack_length)`.
    """
    flow = optical_flow.flow_stacks(gray, plan.method)
    top, left = ((side - plan.crop) // 2 for side in flow.shape[1:3])
    flow = flow[:, top : top + plan.crop, left : left + plan.crop]
    return optical_flow.encode_flow(flow, plan.bound)


def _read_sound(path, plan: AudioPlan, inputs):
    try:
        with _clock(inputs, "decoding sound"):
            sound = audio.decode_sound(path)
    except MediaError as error:
        inputs.problems.append(str(error))
        return
    if sound.damage:
        inputs.problems.append(f"sound: {sound.damage}")
    if sound.samples is None:
        return
    with _clock(inputs, "log-mel"):
        patches = log_mel.log_mel_patches(sound.samples, plan.patch_step)
    inputs.arrays["audio"] = patches[..., None]
    steps = np.arange(len(patches)) * plan.patch_step
    inputs.times["audio"] = sound.start + STEP_SECONDS * steps


@contextlib.contextmanager
def _clock(inputs, stage):
    start = time.perf_counter()
    try:
        yield
    finally:
        spent = time.perf_counter() - start
        inputs.seconds[stage] = inputs.seconds.get(stage, 0.0) + spent
