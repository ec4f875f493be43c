r"""Writes the table of the videos of Kinetics-400, -600 or -700.

    python data/kinetics/prepare.py --videos_dir=k400 \
        --annotations=k400/annotations/train.csv,k400/annotations/val.csv \
        --table=k400/kinetics.csv

See README.md beside this file.
"""

import sys

from absl import app
from absl import flags

from ac_keras.annotations.kinetics import find_kinetics_files
from ac_keras.annotations.kinetics import read_annotations
from ac_keras.annotations.official_lists import write_listed
from ac_keras.annotations.splits import hold_out_groups

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir", None, "The videos, in folders or not.", required=True
)
_ANNOTATIONS = flags.DEFINE_list(
    "annotations",
    None,
    "The official CSV or JSON files of training and validation.",
    required=True,
)
_TABLE = flags.DEFINE_string(
    "table", None, "The CSV file to write.", required=True
)
_VALIDATION_SHARE = flags.DEFINE_float(
    "validation_share",
    0.05,
    "Share of each class's training clips to hold out.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Decides which clips are held out.", lower_bound=0
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        clips, left_out = read_annotations(_ANNOTATIONS.value)
        clips = hold_out_groups(clips, _VALIDATION_SHARE.value, _SEED.value)
        clips = find_kinetics_files(clips, _VIDEOS_DIR.value)
        said = write_listed(clips, _VIDEOS_DIR.value, _TABLE.value)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    if left_out:
        print(f"Of the official test, and left out: {left_out} clips")
    print("\n".join(said))


if __name__ == "__main__":
    app.run(main)
