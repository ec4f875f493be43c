"""Records of local features: written, read, sampled and batched."""

from ac_keras.pipeline.clip import Clip
from ac_keras.pipeline.clip import decode_clip
from ac_keras.pipeline.clip import encode_clip
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.integrity.corrupt_records import CorruptRecord
from ac_keras.pipeline.integrity.corrupt_records import find_corrupt_records
from ac_keras.pipeline.integrity.corrupt_records import skip_corrupt_records
from ac_keras.pipeline.integrity.scan_records import add_deviations
from ac_keras.pipeline.integrity.scan_records import scan_records
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split
from ac_keras.pipeline.modality import Modality
from ac_keras.pipeline.reader import evaluation_batches
from ac_keras.pipeline.reader import steps_per_epoch
from ac_keras.pipeline.reader import training_batches
from ac_keras.pipeline.writer import DatasetWriter

__all__ = [
    "Clip",
    "CorruptRecord",
    "DatasetWriter",
    "Description",
    "Manifest",
    "Modality",
    "Shard",
    "Split",
    "add_deviations",
    "decode_clip",
    "encode_clip",
    "evaluation_batches",
    "find_corrupt_records",
    "scan_records",
    "skip_corrupt_records",
    "steps_per_epoch",
    "training_batches",
]
