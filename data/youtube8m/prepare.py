r"""Makes a manifest for YouTube-8M's records, which stay where they are.

    python data/youtube8m/prepare.py --train='DIR/train*.tfrecord' \
        --validation='DIR/validate*.tfrecord' --output_dir=records/youtube8m

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
from ac_keras.pipeline.formats import youtube8m
from ac_keras.pipeline.integrity import scan_records as foreign_manifest

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the manifest.", required=True
)
_TRAIN = flags.DEFINE_string("train", None, "Pattern of the training files.")
_VALIDATION = flags.DEFINE_string(
    "validation", None, "Pattern of the validation files."
)
_TEST = flags.DEFINE_string("test", None, "Pattern of the test files.")
_SEGMENTS = flags.DEFINE_bool(
    "segments",
    False,
    "Whether to take the rated segments of the videos as clips, five frames "
    "each, rather than the videos.",
)
_VOCABULARY = flags.DEFINE_string(
    "vocabulary", None, "YouTube-8M's vocabulary.csv, for the classes' names."
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", youtube8m.NUM_CLASSES, "How many classes.", lower_bound=1
)
_MODALITIES = flags.DEFINE_list(
    "modalities",
    [f"{name}:{dim}" for name, dim in youtube8m.MODALITIES.items()],
    "NAME:DIM of the feature lists to take.",
)


def parse_modalities() -> dict[str, Modality]:
    modalities = {}
    for text in _MODALITIES.value:
        name, _, dim = text.partition(":")
        if not dim.isdecimal():
            raise app.UsageError(
                "Expected --modalities such as rgb:1024,audio:128. Received: "
                f"{text!r}."
            )
        modalities[name] = youtube8m.quantised(int(dim))
    return modalities


def describe() -> Description:
    segments = "_segments" if _SEGMENTS.value else ""
    return Description(
        name=f"youtube8m{segments}",
        class_names=load_class_names(_VOCABULARY.value, _NUM_CLASSES.value),
        modalities=parse_modalities(),
        multi_label=True,
        record_format=f"youtube8m{segments}",
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
