r"""Makes a manifest for MediaSequence's records, which stay where they are.

    python data/mediasequence/prepare.py --train='DIR/train-*' \
        --validation='DIR/validation-*' --modalities=rgb:RGB:1024 \
        --vocabulary=classes.csv --output_dir=records/mine

reads every record once, counts and checks them, and writes the manifest that
the trainer takes. A run that was stopped goes on at the next file when the
same command is given again.
"""

import pathlib

from absl import app
from absl import flags

from ac_keras.annotations.class_names import load_class_names
from ac_keras.pipeline import Description
from ac_keras.pipeline import Modality
from ac_keras.pipeline import scan_records
from ac_keras.pipeline.integrity import scan_records as foreign_manifest

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the manifest.", required=True
)
_NAME = flags.DEFINE_string("name", "mediasequence", "The dataset's name.")
_TRAIN = flags.DEFINE_string("train", None, "Pattern of the training files.")
_VALIDATION = flags.DEFINE_string(
    "validation", None, "Pattern of the validation files."
)
_TEST = flags.DEFINE_string("test", None, "Pattern of the test files.")
_MODALITIES = flags.DEFINE_list(
    "modalities",
    None,
    "NAME:PREFIX:DIM of each modality: its frames are the values of "
    "PREFIX/feature/floats. Such as rgb:RGB:1024,audio:AUDIO:128.",
    required=True,
)
_VOCABULARY = flags.DEFINE_string(
    "vocabulary",
    None,
    "CSV file with a column Name, and Index unless its rows are in order.",
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", None, "How many classes; needed without --vocabulary."
)
_MULTI_LABEL = flags.DEFINE_bool(
    "multi_label", False, "Whether a clip has any number of labels."
)


def parse_modalities() -> tuple[dict[str, Modality], dict[str, str]]:
    """Gives the modalities and their prefixes."""
    modalities, prefixes = {}, {}
    for text in _MODALITIES.value:
        name, *rest = text.split(":")
        if len(rest) != 2 or not rest[1].isdecimal():
            raise app.UsageError(
                "Expected --modalities such as rgb:RGB:1024,audio:AUDIO:128. "
                f"Received: {text!r}."
            )
        prefixes[name] = rest[0]
        modalities[name] = Modality(int(rest[1]))
    return modalities, prefixes


def describe() -> Description:
    modalities, prefixes = parse_modalities()
    if not (_VOCABULARY.value or _NUM_CLASSES.value):
        raise app.UsageError("Expected --vocabulary or --num_classes.")
    return Description(
        name=_NAME.value,
        class_names=load_class_names(_VOCABULARY.value, _NUM_CLASSES.value),
        modalities=modalities,
        multi_label=_MULTI_LABEL.value,
        settings={"prefixes": prefixes},
        record_format="mediasequence",
    )


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(
            f"Expected flags only. Received: {argv[1:]}. Quote the patterns."
        )
    directory = pathlib.Path(_OUTPUT_DIR.value)
    splits = {flag.name: flag.value for flag in (_TRAIN, _VALIDATION, _TEST)}
    patterns = {name: value for name, value in splits.items() if value}
    manifest = scan_records(directory, describe(), patterns)
    print("\n".join(foreign_manifest.summarize(manifest)))
    print(f"The manifest is in {directory}")


if __name__ == "__main__":
    app.run(main)
