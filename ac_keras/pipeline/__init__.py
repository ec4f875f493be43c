"""Records of local features: written, read, sampled and batched."""

from ac_keras.pipeline.clip import Clip
from ac_keras.pipeline.clip import decode_clip
from ac_keras.pipeline.clip import encode_clip
from ac_keras.pipeline.description import Description
from ac_keras.pipeline.description import Modality
from ac_keras.pipeline.integrity.damage import Damage
from ac_keras.pipeline.integrity.damage import find_damage
from ac_keras.pipeline.integrity.damage import skip_damage
from ac_keras.pipeline.integrity.scan_records import scan_records
from ac_keras.pipeline.manifest import Manifest
from ac_keras.pipeline.manifest import Shard
from ac_keras.pipeline.manifest import Split
from ac_keras.pipeline.reader import evaluation_batches
from ac_keras.pipeline.reader import steps_per_epoch
from ac_keras.pipeline.reader import training_batches
from ac_keras.pipeline.writer import DatasetWriter

__all__ = [
    "Clip",
    "Damage",
    "DatasetWriter",
    "Description",
    "Manifest",
    "Modality",
    "Shard",
    "Split",
    "decode_clip",
    "encode_clip",
    "evaluation_batches",
    "find_damage",
    "scan_records",
    "skip_damage",
    "steps_per_epoch",
    "training_batches",
]
