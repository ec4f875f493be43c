"""Many files, predicted one after the other."""

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from ac_keras.pipeline import Description
from ac_keras.prediction import broken_records
from ac_keras.prediction import file_batches
from ac_keras.prediction.file_predictor import BrokenFileError
from ac_keras.prediction.file_predictor import FilePredictor
from ac_keras.prediction.input_files import InputFile

GONE = (tf.errors.NotFoundError, tf.errors.PermissionDeniedError)


@dataclasses.dataclass
class FileRun:
    """Goes through files and around what is broken in them.

    Attributes:
        files: All files.
        predictor: Predicts one of them.
        description: What they hold, with the modalities to read.
        sample_size: Frames taken from each clip and modality; 0 takes all.
        batch_size: Clips at a time.
        skip_broken_records: Whether to go around, or to raise.
    """

    files: list[InputFile]
    predictor: FilePredictor
    description: Description
    sample_size: int
    batch_size: int
    skip_broken_records: bool

    def predict(self, left: Sequence[int]) -> None:
        """Predicts the files of these numbers, in this order.

        Raises:
            FileNotFoundError: If a file has gone.
            ValueError: If a record is broken, or a batch is too large.
            PredictionStopped: If a signal came.
        """
        batches = self._read(left)
        for place, index in enumerate(left):
            try:
                self.predictor.predict(index, self.files[index], batches)
            except BrokenFileError as error:
                damage = self._damage(index, error)
                self.predictor.progress.restart_file(error.num_clips)
                batches = self._read(left[place:])
                file = self.files[index]
                self.predictor.predict(index, file, batches, damage)
            except GONE as error:
                raise FileNotFoundError(
                    f"Expected to read {self.files[index].path}. Received: "
                    f"{error.message}. Bring the file back and give the same "
                    "command again."
                ) from error
            except tf.errors.ResourceExhaustedError as error:
                raise ValueError(
                    f"Expected batches that fit into memory. Received: "
                    f"batch_size={self.batch_size} for clips of "
                    f"{self.files[index].path}. Choose a smaller one."
                ) from error

    def _read(self, left):
        return file_batches.read_files(
            [self.files[index] for index in left],
            self.description,
            batch_size=self.batch_size,
            sample_size=self.sample_size,
        )

    def _damage(self, index, error):
        """Leaves damage out of a file and lists it, or raises."""
        file, how = self.files[index], (self.description, self.sample_size)
        if self.skip_broken_records:
            self.files[index], found = broken_records.without_damage(file, *how)
            if found:
                return found
        else:
            found = broken_records.first_damage(file, *how, error.offset)
            if found:
                raise ValueError(
                    f"Expected sound records. Received: {found}. Make or copy "
                    "the file anew, or leave such records out with "
                    "--skip_broken_records."
                ) from error
        raise error.__cause__ or error
