r"""Writes features from NumPy files, and labels from a table, as a dataset.

    python data/arrays/prepare.py --table=clips.csv --validation_share=0.1 \
        --output_dir=records/mine

See README.md beside this file. A run that was stopped goes on where it was
when the same command is given again, and ends with the same bytes.
"""

import hashlib
import pathlib
import sys

from absl import app
from absl import flags
from array_clips import ArrayReader
from array_clips import load_arrays

from ac_keras.annotations.class_names import load_class_names
from ac_keras.annotations.clip_table import ClipRow
from ac_keras.annotations.clip_table import collect_class_names
from ac_keras.annotations.clip_table import is_multi_label
from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.splits import draw_splits
from ac_keras.pipeline import DatasetWriter
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the dataset.", required=True
)
_TABLE = flags.DEFINE_string(
    "table",
    None,
    "CSV file with columns path, label and perhaps split.",
    required=True,
)
_ARRAYS_DIR = flags.DEFINE_string(
    "arrays_dir", None, "Folder that the paths start from; else the table's."
)
_NAME = flags.DEFINE_string("name", "arrays", "The dataset's name.")
_MODALITY = flags.DEFINE_string(
    "modality", "rgb", "The modality that .npy files are of."
)
_MODALITIES = flags.DEFINE_list(
    "modalities",
    None,
    "NAME:DIM of each modality; else those of the table's first clip.",
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "float16", "uint8"],
    "How features are stored. Arrays of uint8 are stored in uint8 as they are.",
)
_VALUE_RANGE = flags.DEFINE_list(
    "value_range", None, "LOW,HIGH: what 0 and 255 stand for in uint8."
)
_VOCABULARY = flags.DEFINE_string(
    "vocabulary",
    None,
    "CSV file with a column Name, the classes in order; else the labels that "
    "occur, sorted.",
)
_MULTI_LABEL = flags.DEFINE_bool(
    "multi_label",
    None,
    "Whether a clip has any number of labels; else as the table has it.",
)
_VALIDATION_SHARE = flags.DEFINE_float(
    "validation_share", 0.0, "Share of clips drawn for validation."
)
_TEST_SHARE = flags.DEFINE_float(
    "test_share", 0.0, "Share of clips drawn for the test split."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Decides the splits and the order.", lower_bound=0
)
_CLIPS_PER_SHARD = flags.DEFINE_integer(
    "clips_per_shard", 1024, "Clips in a file, at most.", lower_bound=1
)


def parse_modalities(first: ClipRow) -> dict[str, Modality]:
    """Gives the modalities of the flags or else of a clip."""
    if _MODALITIES.value:
        pairs = [text.partition(":")[::2] for text in _MODALITIES.value]
        if not all(dim.isdecimal() for _, dim in pairs):
            raise app.UsageError(
                "Expected --modalities such as rgb:1024,audio:128. Received: "
                f"{_MODALITIES.value}."
            )
        dims = {name: int(dim) for name, dim in pairs}
    else:
        try:
            arrays = load_arrays(arrays_dir() / first.path, _MODALITY.value)
        except (ValueError, FileNotFoundError) as error:
            sys.exit(f"{_TABLE.value}, line {first.line}: {error}.")
        dims = {name: array.shape[1] for name, array in arrays.items()}
    value_range = _VALUE_RANGE.value and tuple(map(float, _VALUE_RANGE.value))
    return {
        name: Modality(dim, _DTYPE.value, value_range)
        for name, dim in dims.items()
    }


def arrays_dir() -> pathlib.Path:
    return pathlib.Path(_ARRAYS_DIR.value or pathlib.Path(_TABLE.value).parent)


def describe(table: list[ClipRow]) -> Description:
    """Describes the dataset by the table and the flags that decide it."""
    decisive = (_VALIDATION_SHARE, _TEST_SHARE, _CLIPS_PER_SHARD)
    digest = hashlib.sha256(pathlib.Path(_TABLE.value).read_bytes())
    multi_label = _MULTI_LABEL.value
    return Description(
        name=_NAME.value,
        class_names=load_class_names(_VOCABULARY.value)
        if _VOCABULARY.value
        else collect_class_names(table),
        modalities=parse_modalities(table[0]),
        multi_label=is_multi_label(table)
        if multi_label is None
        else multi_label,
        seed=_SEED.value,
        settings={
            "table_sha256": digest.hexdigest(),
            **{flag.name: flag.value for flag in decisive},
        },
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    table = load_table(_TABLE.value)
    splits = draw_splits(
        table, _VALIDATION_SHARE.value, _TEST_SHARE.value, _SEED.value
    )
    counts = {
        split: -(-len(rows) // _CLIPS_PER_SHARD.value)
        for split, rows in splits.items()
    }
    description = describe(table)
    reader = ArrayReader(
        pathlib.Path(_TABLE.value), arrays_dir(), description, _MODALITY.value
    )

    def clips_of(split, index):
        size, count = len(splits[split]), counts[split]
        start, stop = index * size // count, (index + 1) * size // count
        return reader.clips(splits[split][start:stop])

    writer = DatasetWriter(_OUTPUT_DIR.value, description, counts)
    try:
        manifest = writer.write(clips_of)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"{reader.place}: {error}")
    for name, split in manifest.splits.items():
        print(f"{name}: {split.num_clips} clips, {len(split.shards)} files")
    print(f"The dataset is in {manifest.directory}")


if __name__ == "__main__":
    app.run(main)
