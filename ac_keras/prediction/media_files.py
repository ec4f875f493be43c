"""Predictions of media files as JSON values, with a plot of each."""

import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ac_keras.extraction.inputs.clip_inputs import STEP_SECONDS
from ac_keras.extraction.inputs.log_mel import HOP
from ac_keras.extraction.inputs.log_mel import PATCH_FRAMES
from ac_keras.extraction.inputs.log_mel import PATCH_SAMPLES
from ac_keras.extraction.inputs.log_mel import SAMPLE_RATE
from ac_keras.extraction.inputs.log_mel import log_mel_patches
from ac_keras.extraction.inputs.optical_flow import decode_flow
from ac_keras.extraction.inputs.optical_flow import encode_flow
from ac_keras.extraction.inputs.waveform import join_windows
from ac_keras.extraction.media.frame_times import interval_of
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.extraction.plan import WaveformPlan
from ac_keras.prediction.clip_predictor import ClipPrediction
from ac_keras.prediction.clip_predictor import ClipPredictor
from ac_keras.visualization import ExplainedModality
from ac_keras.visualization import save_clip_explanation
from ac_keras.visualization.explained_modality import BANDS
from ac_keras.visualization.explained_modality import FLOW
from ac_keras.visualization.explained_modality import IMAGES

DIGITS = 6  # of a probability
MAX_BYTES = 200  # of a file's name; most file systems allow 255
PATCH_SECONDS = PATCH_FRAMES * STEP_SECONDS
AUDIO_PLANS = (AudioPlan, WaveformPlan)
ONE_FRAME = 1.0  # seconds over which a clip of a single frame is drawn


def predict_media(
    predictor: ClipPredictor,
    paths: Sequence[str | os.PathLike],
    plots_dir: str | os.PathLike | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts media files one after the other.

    Yields:
        For each file its `path`, `classes` and `scores`; `problems`, if there
        are some; and `picture`, the path of its plot in `plots_dir`, which is
        created if missing. For a file that cannot be used, `path` and `error`.

    Raises:
        OSError: If a plot cannot be written.
        ImportError: If a package of `ac-keras[media]` is missing.
    """
    names = plot_names(paths)
    if plots_dir is not None:
        pathlib.Path(plots_dir).mkdir(parents=True, exist_ok=True)
    for path, name in zip(paths, names, strict=True):
        row = {"path": os.fsdecode(path)}
        try:
            prediction = predictor.predict(path)
        except ValueError as error:
            yield {**row, "error": str(error)}
            continue
        row["classes"] = list(prediction.classes)
        row["scores"] = [round(x, DIGITS) for x in prediction.scores]
        if prediction.problems:
            row["problems"] = list(prediction.problems)
        if plots_dir is not None:
            plot = pathlib.Path(plots_dir) / name
            save_clip_plot(prediction, plot)
            row["picture"] = str(plot)
        yield row


def plot_names(paths: Sequence[str | os.PathLike]) -> list[str]:
    """Returns the name of each file's plot; equal names are numbered."""
    names, taken = [], set()
    for path in paths:
        name = os.fsencode(pathlib.Path(os.fsdecode(path)).name)
        stem, number = os.fsdecode(name[:MAX_BYTES]), 1
        name = f"{stem}.png"
        while name in taken:
            number += 1
            name = f"{stem}-{number}.png"
        taken.add(name)
        names.append(name)
    return names


def save_clip_plot(prediction: ClipPrediction, path: str | os.PathLike) -> None:
    """Plots frames, flow and log-mel bands with the attention of units."""
    audio = [
        _explain_audio(prediction, name, plan)
        for name, plan in prediction.plan.modalities.items()
        if isinstance(plan, AUDIO_PLANS)
    ]
    ends = [x.extent[1] for x in audio if not x.is_absent]
    whole = max([end for end in ends if end > 0], default=ONE_FRAME)
    frames = [
        _explain_frames(prediction, name, plan, whole)
        for name, plan in prediction.plan.modalities.items()
        if not isinstance(plan, AUDIO_PLANS)
    ]
    save_clip_explanation(
        pathlib.PurePath(prediction.path).name,
        list(zip(prediction.classes, prediction.scores, strict=True)),
        frames + audio,
        path,
    )


def shown_spans(times: np.ndarray, whole: float) -> np.ndarray:
    """Computes the seconds that each frame represents, `(num_frames, 2)`.

    If the first frame is the clip's first, each frame represents the time up
    to the next one. Otherwise frames come from the middles of intervals, and
    each represents the time halfway to its neighbors. If the clip's first frame
    is the only one, it represents `whole` seconds.
    """
    if len(times) == 1:
        return np.array([[0.0, 2 * times[0] or whole]])
    last = interval_of(times)
    if times[0] == 0:
        edges = [*times, times[-1] + last]
    else:
        middles = (times[:-1] + times[1:]) / 2
        first = max(times[0] - last / 2, 0.0)
        edges = [first, *middles, times[-1] + last / 2]
    return np.stack([edges[:-1], edges[1:]], axis=1)


def mean_flow(codes: np.ndarray, plan: FlowPlan) -> np.ndarray:
    """Computes the mean flow of each stack over its pairs of frames.

    Returns:
        float32 `(num_stacks, height, width, 2)`, pixels per frame.
    """
    flow = decode_flow(codes, plan.bound)
    # No byte decodes to exactly 0: the code of no motion is drawn as none.
    still = encode_flow(np.zeros(1, np.float32), plan.bound)
    flow = np.where(codes == still, np.float32(0), flow)
    pairs = flow.reshape(*flow.shape[:-1], plan.stack_length, 2)
    return pairs.mean(axis=-2)


def join_patches(
    patches: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    """Joins log-mel patches by their times; later ones overwrite overlaps.

    Returns:
        Floats `(all_steps, num_bands)`, NaN in gaps between patches, and their
        start and end in seconds.
    """
    steps = np.rint((times - times[0]) / STEP_SECONDS).astype(int)
    length = patches.shape[1]
    bands = np.full((steps[-1] + length, patches.shape[2]), np.nan)
    for step, patch in zip(steps, patches, strict=True):
        bands[step : step + length] = patch
    start = float(times[0])
    return bands, (start, start + len(bands) * STEP_SECONDS)


def _explain_frames(prediction, name, plan, whole):
    kind = FLOW if isinstance(plan, FlowPlan) else IMAGES
    taken = prediction.sampled[name]
    if not len(taken):
        return _absent(prediction, name, kind)
    frames = prediction.inputs.arrays[name][taken]
    spans = shown_spans(prediction.inputs.times[name][taken], whole)
    if kind == FLOW:
        frames = mean_flow(frames, plan)
    attention = prediction.attention[name]
    return ExplainedModality(name, attention, spans, kind, frames)


def _explain_audio(prediction, name, plan):
    taken = prediction.sampled[name]
    if not len(taken):
        return _absent(prediction, name, BANDS)
    times = prediction.inputs.times[name]
    inputs = prediction.inputs.arrays[name]
    if isinstance(plan, WaveformPlan):
        length = plan.window / plan.sample_rate
        bands = _log_mel_of_windows(inputs, plan)
        span = (times[0], times[0] + len(bands) * STEP_SECONDS)
    else:
        length = PATCH_SECONDS
        bands, span = join_patches(inputs[..., 0], times)
    return ExplainedModality(
        name,
        prediction.attention[name],
        times[taken][:, None] + [0.0, length],
        BANDS,
        bands,
        span,
    )


def _log_mel_of_windows(windows, plan):
    """Computes the log-mel bands `(num_steps, 64)` of windows, for a plot."""
    samples = join_windows(windows, plan.step)
    places = np.arange(0, len(samples), plan.sample_rate / SAMPLE_RATE)
    samples = np.interp(places, np.arange(len(samples)), samples)
    patches = log_mel_patches(np.pad(samples, (0, PATCH_SAMPLES)))
    return np.concatenate(patches)[: len(samples) // HOP]


def _absent(prediction, name, kind):
    attention = prediction.attention[name]
    return ExplainedModality(name, attention, np.zeros((0, 2)), kind)
