"""Records of MediaSequence, read as they are.

A clip is a `tf.train.SequenceExample`: in its context `example/id` and
`clip/label/index`, in its feature lists `PREFIX/feature/floats`, one list of
floats for each frame.
"""

import tensorflow as tf

from ac_keras.pipeline.description import Description
from ac_keras.pipeline.formats.sequence_examples import fixed_steps
from ac_keras.pipeline.formats.sequence_examples import split_sequences

ID = "example/id"
LABELS = "clip/label/index"
FLOATS = "feature/floats"


def feature_key(description: Description, name: str) -> str:
    """Gives the key of a modality's floats.

    The description's settings name its prefix: `{"prefixes": {"rgb": "RGB"}}`.
    Without one it is the modality's name in capitals; an empty one stands for
    none.
    """
    prefix = description.settings.get("prefixes", {}).get(name, name.upper())
    return f"{prefix}/{FLOATS}" if prefix else FLOATS


def parse_sequences(
    records: tf.Tensor,
    description: Description,
    labelled: bool = True,
    named: bool = True,
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Splits a batch of serialized clips.

    Args:
        records: Strings `(batch,)`.
        description: The dataset that they belong to.
        labelled: As `parsing.parse_records` has it.
        named: The same.

    Returns:
        `id`, strings `(batch,)`; `labels`, int64 `(batch, None)`, ragged; and
        for every modality float32 `(batch, None, dim)`, ragged.
    """
    keys = {n: feature_key(description, n) for n in description.modalities}
    ids, context, steps = split_sequences(
        records,
        ID if named else None,
        {LABELS: tf.int64} if labelled else {},
        dict.fromkeys(keys.values(), tf.float32),
        id_required=labelled,
    )
    frames = {
        name: fixed_steps(steps[keys[name]], modality.dim, keys[name])
        for name, modality in description.modalities.items()
    }
    labels = {"labels": context[LABELS]} if labelled else {}
    return {**ids, **labels, **frames}
