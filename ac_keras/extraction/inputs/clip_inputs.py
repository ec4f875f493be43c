"""Inputs of the backbones, read from a media file."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterator

import numpy as np

from ac_keras.extraction.inputs import log_mel
from ac_keras.extraction.inputs import optical_flow
from ac_keras.extraction.inputs import waveform
from ac_keras.extraction.media import audio
from ac_keras.extraction.media import video
from ac_keras.extraction.media.container import MediaError
from ac_keras.extraction.media.container import find_video
from ac_keras.extraction.media.container import open_media
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import ExtractionPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import WaveformPlan

STEP_SECONDS = 0.01  # of a log-mel patch


@dataclasses.dataclass
class ClipInputs:
    """Inputs of the backbones for one clip.

    Attributes:
        arrays: Mapping from modality to `(num_frames, *input_shape)`, without
            the modalities that the file lacks.
        times: Mapping from modality to the start times in seconds from the
            clip's start, float64 `(num_frames,)`.
        problems: Descriptions of damage in a file that was read in part.
        seconds: Mapping from a stage to the time that it took.
    """

    arrays: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    times: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


def read_inputs(path: str | os.PathLike, plan: ExtractionPlan) -> ClipInputs:
    """Reads the inputs that a plan defines from a media file.

    A modality is left out if the file lacks it, or if its track cannot be
    decoded while another's can.

    Args:
        path: The file.
        plan: Frames and modalities to read.

    Returns:
        The inputs of one modality or more.

    Raises:
        MediaError: If the file has none of the modalities.
        ImportError: If a package of `ac-keras[media]` is missing.
    """
    inputs = ClipInputs()
    with open_media(path) as container:
        has_video = find_video(container) is not None
        has_audio = bool(container.streams.audio)
    if plan.views and has_video:
        _read_frames(path, plan, inputs)
    if "audio" in plan.modalities and has_audio:
        _read_audio(path, plan.modalities["audio"], inputs)
    if not inputs.arrays:
        tracks = ["video"] * has_video + ["audio"] * has_audio
        why = "; ".join(inputs.problems)
        raise MediaError(
            f"Expected {' or '.join(plan.modalities)}. Received: {path} with "
            f"{' and '.join(tracks) or 'no track'}{why and f' ({why})'}. "
            "Leave the file out, or extract the modalities that it has."
        )
    return inputs


@contextlib.contextmanager
def add_seconds(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Adds the time that a block takes to a stage's seconds."""
    start = time.perf_counter()
    try:
        yield
    finally:
        spent = time.perf_counter() - start
        seconds[stage] = seconds.get(stage, 0.0) + spent


def _read_frames(path, plan, inputs):
    try:
        with add_seconds(inputs.seconds, "decoding frames"):
            frames = video.read_frames(path, plan.choice, plan.views)
    except MediaError as error:
        inputs.problems.append(str(error))
        return
    inputs.problems += frames.problems
    for name in plan.views:
        inputs.times[name] = frames.times
        pixels = frames.arrays[name]
        if isinstance(plan.modalities[name], FlowPlan):
            with add_seconds(inputs.seconds, "optical flow"):
                pixels = _make_flow(pixels, plan.modalities[name])
        else:
            pixels = pixels[:, 0]
        inputs.arrays[name] = pixels


def _make_flow(gray, plan):
    """Computes cropped flow bytes `(num_stacks, crop, crop, 2 * length)`."""
    flow = optical_flow.flow_stacks(gray, plan.method)
    top, left = ((side - plan.crop) // 2 for side in flow.shape[1:3])
    flow = flow[:, top : top + plan.crop, left : left + plan.crop]
    return optical_flow.encode_flow(flow, plan.bound)


def _read_audio(path, plan: AudioPlan | WaveformPlan, inputs):
    try:
        with add_seconds(inputs.seconds, "decoding audio"):
            decoded = audio.decode_audio(path, plan.sample_rate)
    except MediaError as error:
        inputs.problems.append(str(error))
        return
    if decoded.damage:
        inputs.problems.append(f"audio: {decoded.damage}")
    if decoded.samples is None:
        return
    if isinstance(plan, WaveformPlan):
        windows = waveform.waveform_windows(
            decoded.samples, plan.window, plan.step, plan.padding
        )
        inputs.arrays["audio"] = windows
        starts = np.arange(len(windows)) * plan.step - plan.padding
        inputs.times["audio"] = decoded.start + starts / plan.sample_rate
        return
    with add_seconds(inputs.seconds, "log-mel"):
        patches = log_mel.log_mel_patches(decoded.samples, plan.patch_step)
    inputs.arrays["audio"] = patches[..., None]
    steps = np.arange(len(patches)) * plan.patch_step
    inputs.times["audio"] = decoded.start + STEP_SECONDS * steps
