"""Predictions of media files as JSON values, with a picture of each."""

import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ac_keras.extraction.inputs.clip_inputs import STEP_SECONDS
from ac_keras.extraction.inputs.optical_flow import decode_flow
from ac_keras.extraction.inputs.optical_flow import encode_flow
from ac_keras.extraction.media.frame_times import interval_of
from ac_keras.extraction.plan import AudioPlan
from ac_keras.extraction.plan import FlowPlan
from ac_keras.prediction.clip_predictor import ClipPrediction
from ac_keras.prediction.clip_predictor import ClipPredictor
from ac_keras.visualization import ExplainedModality
from ac_keras.visualization import save_clip_explanation
from ac_keras.visualization.explained_modality import BANDS
from ac_keras.visualization.explained_modality import FLOW
from ac_keras.visualization.explained_modality import IMAGES

ONE_FRAME = 1.0  # second that a clip of a single frame is drawn over


def save_picture(prediction: ClipPrediction, path: str | os.PathLike) -> None:
    """Draws frames, flow and spectrogram, each with its units' attention.

    Args:
        prediction: Of one file.
        path: The PNG file to write.
    """
    modalities = [
        _sound(prediction, name)
        for name, plan in prediction.plan.modalities.items()
        if isinstance(plan, AudioPlan)
    ]
    ends = [x.extent[1] for x in modalities if not x.is_absent]
    whole = max([end for end in ends if end > 0], default=ONE_FRAME)
    modalities = [
        _frames(prediction, name, plan, whole)
        for name, plan in prediction.plan.modalities.items()
        if not isinstance(plan, AudioPlan)
    ] + modalities
    save_clip_explanation(
        pathlib.PurePath(prediction.path).name,
        list(zip(prediction.classes, prediction.scores, strict=True)),
        modalities,
        path,
    )


def shown_spans(times: np.ndarray, whole: float) -> np.ndarray:
    """Tells which part of a clip each of its frames stands for.

    Frames that begin with the clip's first stand for what follows up to the
    next one; others were taken from the middles of intervals and reach halfway
    to their neighbours.

    Args:
        times: Seconds at which they are shown, ascending, at least one.
        whole: The end of a clip of which nothing is known but its first frame.

    Returns:
        Seconds at which each part begins and ends, `(num_frames, 2)`.
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
    """Averages the flow of each stack's pairs of frames.

    Args:
        codes: uint8 `(num_stacks, height, width, 2 * stack_length)`.
        plan: How they were made.

    Returns:
        float32 `(num_stacks, height, width, 2)`, pixels a frame.
    """
    flow = decode_flow(codes, plan.bound)
    # No byte means exactly none: what still pictures have is drawn as still.
    still = encode_flow(np.zeros(1, np.float32), plan.bound)
    flow = np.where(codes == still, np.float32(0), flow)
    pairs = flow.reshape(*flow.shape[:-1], plan.stack_length, 2)
    return pairs.mean(axis=-2)


def join_patches(
    patches: np.ndarray, times: np.ndarray
) -> tuple[np.ndarray, tuple[float, float]]:
    """Puts log-mel patches side by side, or over each other.

    Args:
        patches: Floats `(num_patches, num_steps, num_bands)`.
        times: Seconds at which each begins.

    Returns:
        Floats `(all_steps, num_bands)`, NaN between patches that leave a gap,
        and the seconds at which they begin and end.
    """
    steps = np.rint((times - times[0]) / STEP_SECONDS).astype(int)
    length = patches.shape[1]
    bands = np.full((steps[-1] + length, patches.shape[2]), np.nan)
    for step, patch in zip(steps, patches, strict=True):
        bands[step : step + length] = patch
    start = float(times[0])
    return bands, (start, start + len(bands) * STEP_SECONDS)


def _frames(prediction, name, plan, whole):
    kind = FLOW if isinstance(plan, FlowPlan) else IMAGES
    taken = prediction.sampled[name]
    if not len(taken):
        return _absent(prediction, name, kind)
    picture = prediction.inputs.arrays[name][taken]
    spans = shown_spans(prediction.inputs.times[name][taken], whole)
    if kind == FLOW:
        picture = mean_flow(picture, plan)
    attention = prediction.attention[name]
    return ExplainedModality(name, attention, spans, kind, picture)


def _sound(prediction, name):
    taken = prediction.sampled[name]
    if not len(taken):
        return _absent(prediction, name, BANDS)
    times = prediction.inputs.times[name]
    patches = prediction.inputs.arrays[name][..., 0]
    length = patches.shape[1] * STEP_SECONDS
    bands, span = join_patches(patches, times)
    return ExplainedModality(
        name,
        prediction.attention[name],
        times[taken][:, None] + [0.0, length],
        BANDS,
        bands,
        span,
    )


def _absent(prediction, name, kind):
    attention = prediction.attention[name]
    return ExplainedModality(name, attention, np.zeros((0, 2)), kind)


DIGITS = 6  # of a probability
MAX_BYTES = 200  # of a file's name; 255 is what most disks take


def predict_media(
    predictor: ClipPredictor,
    paths: Sequence[str | os.PathLike],
    pictures_dir: str | os.PathLike | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts files one after the other.

    Args:
        predictor: Predicts a file.
        paths: The files.
        pictures_dir: A folder for a picture of each, made if need be; None for
            no pictures.

    Yields:
        For each file its `path`, `classes` and `scores`; `problems`, if it has
        some; and `picture`, if there is one. Of a file that cannot be used
        `path` and `error`.

    Raises:
        OSError: If a picture cannot be written.
        ImportError: If a package of `ac-keras[media]` is missing.
    """
    names = picture_names(paths)
    if pictures_dir is not None:
        pathlib.Path(pictures_dir).mkdir(parents=True, exist_ok=True)
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
        if pictures_dir is not None:
            picture = pathlib.Path(pictures_dir) / name
            save_picture(prediction, picture)
            row["picture"] = str(picture)
        yield row


def picture_names(paths: Sequence[str | os.PathLike]) -> list[str]:
    """Names a picture after each file; files of one name are numbered."""
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
