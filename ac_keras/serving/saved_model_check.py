"""Comparison of a SavedModel, in a process without Keras, with its model."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

PROGRAM = pathlib.Path(__file__).with_name("session_program.py")
TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class SavedModelCheck:
    """Result of the comparison of a SavedModel with its model.

    Attributes:
        accuracy: Fraction of clips whose most probable class is one of their
            labels.
        num_clips: Number of clips that were compared: those with at least one
            frame, since the SavedModel rejects others.
        max_difference: Largest absolute difference of a probability.
    """

    accuracy: float
    num_clips: int
    max_difference: float


def check_saved_model(
    model: keras.Model,
    saved_model: str | os.PathLike,
    batches: tf.data.Dataset,
) -> SavedModelCheck:
    """Runs a SavedModel in a process without `ac_keras` and compares.

    The process can import neither `ac_keras` nor `keras`. It loads the
    SavedModel through the session loader, as TensorFlow Serving does, and
    feeds it by the names of its signature.

    Args:
        model: The model that it was written from.
        saved_model: A version's folder, as `export_saved_model` returns it.
        batches: Pairs of features and labels.

    Returns:
        The result of the comparison.

    Raises:
        ValueError: If no clip has a frame.
        RuntimeError: If the process fails or a probability differs by more
            than 1e-5.
    """
    correct, num_clips, difference = 0, 0, 0.0
    with tempfile.TemporaryDirectory() as directory:
        expected = _write_inputs(model, batches, directory)
        _run(saved_model, directory)
        for index, (probabilities, labels) in enumerate(expected):
            served = np.load(os.path.join(directory, f"{index}.outputs.npy"))
            difference = max_difference(difference, served, probabilities)
            correct += int(_count_correct(served.argmax(axis=-1), labels))
            num_clips += len(labels)
    if not num_clips:
        raise ValueError(
            "check_saved_model expects at least one clip that has a frame. "
            "Received: none. Choose a split that has some."
        )
    if not difference <= TOLERANCE:
        raise RuntimeError(
            "Expected the SavedModel to give the model's probabilities to "
            f"{TOLERANCE}. Received: a difference of {difference:.3g} from "
            f"{saved_model}. Do not serve it; please report this."
        )
    return SavedModelCheck(correct / num_clips, num_clips, difference)


def max_difference(
    difference: float, actual: np.ndarray, expected: np.ndarray
) -> float:
    """Returns the larger of a difference and that of two arrays, or NaN."""
    # np.maximum propagates NaN, which Python's max does not.
    return float(np.maximum(difference, np.abs(actual - expected).max()))


def _count_correct(classes, labels):
    """Counts classes that are labels; a clip has one label or several."""
    if labels.ndim == 1:
        return np.sum(classes == labels)
    return np.sum(labels[np.arange(len(classes)), classes] > 0)


def _write_inputs(model, batches, directory):
    """Writes each batch; returns expected probabilities and labels."""
    expected = []
    for features, labels in map(_with_frames, batches.as_numpy_iterator()):
        if not len(labels):
            continue
        path = os.path.join(directory, f"{len(expected)}.inputs.npz")
        np.savez(path, **features)
        # Not predict_on_batch, where each replica of a strategy computes the
        # whole batch.
        probabilities = keras.ops.convert_to_numpy(
            model(features, training=False)
        )
        expected.append((probabilities, labels))
    return expected


def _with_frames(batch):
    """Drops clips without frames in every modality of the model."""
    counts = [x for name, x in batch[0].items() if name.endswith("_num_frames")]
    keep = np.any(counts, axis=0)
    return {name: x[keep] for name, x in batch[0].items()}, batch[1][keep]


def _run(saved_model, directory):
    result = subprocess.run(
        [sys.executable, str(PROGRAM), str(saved_model), directory],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(
            "Expected the SavedModel to run in a separate process. "
            f"Received: exit status {result.returncode} from {PROGRAM.name}:\n"
            f"{result.stderr[-4000:]}"
        )
