"""A clip and its record, a `tf.train.Example`."""

import dataclasses

import numpy as np
import tensorflow as tf

from ac_keras.pipeline.description import Description


@dataclasses.dataclass(frozen=True)
class Clip:
    """One video, as local features.

    Attributes:
        id: Name of the clip, unique in the dataset.
        labels: Indices of its classes; one unless the dataset is multi-label.
        frames: Mapping from modality to features `(num_frames, dim)`. The
            clip lacks the modalities that are not in it.
    """

    id: str
    labels: tuple[int, ...]
    frames: dict[str, np.ndarray]


def encode_clip(clip: Clip, description: Description) -> tf.train.Example:
    """Encodes a clip as an example.

    The example has `id` (bytes), `labels` (int64 list) and one bytes value
    for each modality: its frames, concatenated, little-endian.

    Args:
        clip: The clip.
        description: The dataset that it belongs to.

    Returns:
        The example, whose `SerializeToString(deterministic=True)` is the
        record.

    Raises:
        ValueError: If the clip does not fit the description.
    """
    _check_labels(clip, description)
    unknown = sorted(set(clip.frames) - set(description.modalities))
    if unknown:
        raise ValueError(
            f"Clip {clip.id!r} expects modalities among "
            f"{list(description.modalities)}. Received: {unknown}. Leave them "
            "out or describe them."
        )
    features = {
        "id": _bytes_feature(clip.id.encode()),
        "labels": tf.train.Feature(
            int64_list=tf.train.Int64List(value=clip.labels)
        ),
    }
    for name, modality in description.modalities.items():
        frames = clip.frames.get(name, np.zeros((0, modality.dim), "float32"))
        try:
            features[name] = _bytes_feature(modality.encode(frames))
        except ValueError as error:
            raise ValueError(
                f"Clip {clip.id!r}, modality {name!r}: {error}. Fix or leave "
                "out the clip."
            ) from error
    return tf.train.Example(features=tf.train.Features(feature=features))


def decode_clip(example: tf.train.Example, description: Description) -> Clip:
    """Decodes a clip from an example.

    Args:
        example: The example that `encode_clip` returned.
        description: The dataset that it belongs to.

    Returns:
        The clip. Floats are equal bit for bit; uint8 is decoded to float32.
        An absent modality has frames of shape `(0, dim)`.
    """
    feature = example.features.feature
    return Clip(
        id=feature["id"].bytes_list.value[0].decode(),
        labels=tuple(feature["labels"].int64_list.value),
        frames={
            name: modality.decode(feature[name].bytes_list.value[0])
            for name, modality in description.modalities.items()
        },
    )


def _bytes_feature(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _check_labels(clip, description):
    count = len(clip.labels)
    if not description.multi_label and count != 1:
        raise ValueError(
            f"Clip {clip.id!r} expects one label, as its dataset is not "
            f"multi-label. Received: labels={clip.labels}. Choose one, or "
            "describe the dataset as multi_label=True."
        )
    if any(not 0 <= x < description.num_classes for x in clip.labels):
        raise ValueError(
            f"Clip {clip.id!r} expects labels from 0 to "
            f"{description.num_classes - 1}, one for each class name. "
            f"Received: labels={clip.labels}. Fix the label or name its "
            "class."
        )
    if len(set(clip.labels)) != count:
        raise ValueError(
            f"Clip {clip.id!r} expects each label once. Received: "
            f"labels={clip.labels}. Leave the repetitions out."
        )
