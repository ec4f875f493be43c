"""Records of MediaSequence.

A clip is a `tf.train.SequenceExample`. Its context has `example/id` and
`clip/label/index`. Its feature list `PREFIX/feature/floats` has a list of
floats for each frame.
"""

from typing import Any

import tensorflow as tf

from ac_keras.pipeline.formats.record_format import RecordFormat
from ac_keras.pipeline.formats.sequence_examples import fixed_steps
from ac_keras.pipeline.formats.sequence_examples import split_sequences

ID = "example/id"
LABELS = "clip/label/index"
FLOATS = "feature/floats"


def feature_key(settings: dict[str, Any], name: str) -> str:
    """Returns the key of the feature list of a modality.

    Args:
        settings: Settings of a description. `{"prefixes": {"rgb": "RGB"}}`
            sets the prefix of a modality. The default is its name in
            capitals. With an empty prefix the key is `feature/floats`.
        name: Name of the modality.
    """
    prefix = settings.get("prefixes", {}).get(name, name.upper())
    return f"{prefix}/{FLOATS}" if prefix else FLOATS


class MediaSequence(RecordFormat):
    """Reads one clip from each record of MediaSequence."""

    def check(self):
        """Implements `RecordFormat.check`."""
        dtypes = {name: x.dtype for name, x in self.modalities.items()}
        if set(dtypes.values()) != {"float32"}:
            raise ValueError(
                "Description expects float32 modalities of MediaSequence "
                f"records, which hold floats. Received: {dtypes}. Describe "
                "them as Modality(dim)."
            )

    def parse(self, batch, labelled=True, named=True):
        """Implements `RecordFormat.parse`."""
        keys = {n: feature_key(self.settings, n) for n in self.modalities}
        ids, context, steps = split_sequences(
            batch,
            ID if named else None,
            {LABELS: tf.int64} if labelled else {},
            dict.fromkeys(keys.values(), tf.float32),
            id_required=labelled,
        )
        frames = {
            name: fixed_steps(steps[keys[name]], modality.dim, keys[name])
            for name, modality in self.modalities.items()
        }
        labels = {"labels": context[LABELS]} if labelled else {}
        return {**ids, **labels, **frames}
