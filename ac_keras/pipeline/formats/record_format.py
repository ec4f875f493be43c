"""The contract of a record format, and the format of `DatasetWriter`."""

import dataclasses
from typing import Any

import tensorflow as tf

from ac_keras.pipeline.modality import Modality


@dataclasses.dataclass(frozen=True)
class RecordFormat:
    """Reads the records of one source as clips.

    A new format is a subclass in a new file and an entry in
    `formats.RECORD_FORMATS`. It implements `parse`; the other methods have
    defaults for records of one clip each.

    Attributes:
        modalities: Mapping from a modality's name to its layout.
        settings: The settings of the dataset's description.
    """

    modalities: dict[str, Modality]
    settings: dict[str, Any]

    def check(self) -> None:
        """Raises ValueError if the records cannot hold the modalities."""

    def expand(self, records: tf.data.Dataset) -> tf.data.Dataset:
        """Splits serialized records, scalar strings, into clips.

        Returns a dataset with an element for each clip; `parse` takes batches
        of its elements.
        """
        return records

    def parse(
        self, batch: Any, labelled: bool = True, named: bool = True
    ) -> dict[str, tf.Tensor | tf.RaggedTensor]:
        """Splits a batch of clips into ids, labels and stored frames.

        Args:
            batch: A batch of the elements of `expand`.
            labelled: Whether to read labels and to require ids.
            named: Whether to read ids, which labels need.

        Returns:
            A dict with

            - `id`: strings `(batch,)`, if `named`; `""` for a clip without
              an id if not `labelled`.
            - `labels`: int64 `(batch, None)`, ragged, if `labelled`.
            - every modality: strings `(batch,)` of all frames of a clip;
              or ragged, strings `(batch, None)` or float32
              `(batch, None, dim)`.
        """
        raise NotImplementedError

    def locate(self, batch: Any) -> dict:
        """Splits a batch like `parse`, if possible without copying its frames.

        Called instead of `parse` if most frames will not be decoded. Frames may
        be `LocatedFrames`.
        """
        return self.parse(batch)


class ClipExamples(RecordFormat):
    """The format of `DatasetWriter`: one `tf.train.Example` for each clip."""

    def parse(self, batch, labelled=True, named=True):
        """Implements `RecordFormat.parse`."""
        string = tf.io.FixedLenFeature([], tf.string)
        features = dict.fromkeys(self.modalities, string)
        if named:
            default = None if labelled else ""
            features["id"] = tf.io.FixedLenFeature([], tf.string, default)
        if labelled:
            features["labels"] = tf.io.RaggedFeature(
                tf.int64, row_splits_dtype=tf.int64
            )
        return tf.io.parse_example(batch, features)
