"""A dataset's clips, named by a model server."""

import collections
import itertools
from collections.abc import Iterator

import numpy as np

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.serving.client.client import Client

_SIGNATURE = "serving_default"


def predict_split(
    client: Client,
    manifest: Manifest,
    split: str,
    *,
    batch_size: int = 64,
    sample_size: int = 0,
    num_clips: int | None = None,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Sends a split's clips to a server, as evaluation would see them.

    Args:
        client: Of a model that was trained on the dataset or one like it.
        manifest: The dataset.
        split: The split's name.
        batch_size: Clips to read at a time.
        sample_size: Frames taken at equal intervals from each clip and
            modality; 0 takes all.
        num_clips: Only so many, from the first on; None takes all.

    Yields:
        For each clip, in the split's order, its id, its labels as
        `evaluation_batches` gives them, and float32 probabilities
        `(num_classes,)`.

    Raises:
        ServerError: If the server refuses or is not reached.
        ValueError: If the model does not fit the dataset.
    """
    signature = client.metadata().get(_SIGNATURE)
    if signature is None:
        raise ValueError(
            f"Expected a model with the signature {_SIGNATURE!r}. Received: "
            "another one. Export the model by export_saved_model."
        )
    dims = signature.dims
    known = collections.deque()

    def read():
        for features, labels, ids in evaluation_batches(
            manifest,
            split,
            batch_size=batch_size,
            sample_size=sample_size,
            modalities=list(dims),
            with_ids=True,
        ).as_numpy_iterator():
            counts = {name: features[f"{name}_num_frames"] for name in dims}
            for row, clip_id in enumerate(ids):
                known.append((clip_id.decode(), labels[row]))
                yield {
                    name: features[name][row, : counts[name][row]]
                    for name in dims
                }

    names = manifest.description.class_names
    for prediction in client.predict(
        itertools.islice(read(), num_clips), _SIGNATURE
    ):
        _check_classes(prediction, names)
        yield *known.popleft(), prediction.probabilities


def _check_classes(prediction, names):
    """Makes sure that the server means the same classes."""
    probabilities = prediction.probabilities
    best = None
    if probabilities is not None and len(probabilities) == len(names):
        best = names[int(np.argmax(probabilities))]
    if best != prediction.classes[0]:
        num_classes = None if probabilities is None else len(probabilities)
        raise ValueError(
            f"Expected a model of the dataset's {len(names)} classes. "
            f"Received: probabilities of {num_classes} classes, the best of "
            f"which is {prediction.classes[0]!r} there and {best!r} here. Name "
            "the model that was trained on this dataset."
        )
