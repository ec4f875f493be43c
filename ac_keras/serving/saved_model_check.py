"""Showing that a SavedModel stands by itself and says what its model says."""

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
    """What a SavedModel did in a process of its own.

    Attributes:
        accuracy: Share of clips whose most probable class is a label of
            theirs.
        num_clips: How many clips it was given: those with a frame or more,
            as it refuses others.
        max_difference: Largest difference of a probability from the model's.
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
        saved_model: A version's folder, as `export_saved_model` gives it.
        batches: Pairs of features and labels.

    Returns:
        What came out.

    Raises:
        ValueError: If no clip has a frame.
        RuntimeError: If the process fails or a probability is off by more
            than 1e-5.
    """
    correct, num_clips, difference = 0, 0, 0.0
    with tempfile.TemporaryDirectory() as directory:
        expected = _write_inputs(model, batches, directory)
        _run(saved_model, directory)
        for index, (probabilities, labels) in enumerate(expected):
            served = np.load(os.path.join(directory, f"{index}.outputs.npy"))
            gap = float(np.abs(served - probabilities).max())
            # Of NumPy, which lets NaN through where Python's max does not.
            difference = float(np.maximum(difference, gap))
            correct += int(_hits(served.argmax(axis=-1), labels).sum())
            num_clips += len(labels)
    if not num_clips:
        raise ValueError(
            "check_saved_model expects at least one clip that has a frame. "
            "Received: none. Name a split that has some."
        )
    if not difference <= TOLERANCE:
        raise RuntimeError(
            "Expected the SavedModel to give the model's probabilities to "
            f"{TOLERANCE}. Received: a difference of {difference:.3g} from "
            f"{saved_model}. Do not serve it; please report this."
        )
    return SavedModelCheck(correct / num_clips, num_clips, difference)


def _hits(classes, labels):
    """Tells which classes are a label, of one a clip or of several."""
    if labels.ndim == 1:
        return classes == labels
    return labels[np.arange(len(classes)), classes] > 0


def _write_inputs(model, batches, directory):
    expected = []
    for features, labels in map(_with_frames, batches.as_numpy_iterator()):
        if not len(labels):
            continue
        path = os.path.join(directory, f"{len(expected)}.inputs.npz")
        np.savez(path, **features)
        # Not predict_on_batch: under a strategy every replica takes it all.
        probabilities = keras.ops.convert_to_numpy(
            model(features, training=False)
        )
        expected.append((probabilities, labels))
    return expected


def _with_frames(batch):
    """Leaves out clips that lack every modality of the model."""
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
            "Expected the SavedModel to run in a process of its own. "
            f"Received: exit status {result.returncode} from {PROGRAM.name}:\n"
            f"{result.stderr[-4000:]}"
        )
