r"""Writes the table of HMDB51's videos for one of its official splits.

    python data/hmdb51/prepare.py --videos_dir=HMDB51/hmdb51_org \
        --lists_dir=HMDB51/testTrainMulti_7030_splits --split=1 \
        --table=HMDB51/split1.csv

See README.md beside this file.
"""

import sys

from absl import app
from absl import flags

from ac_keras.annotations import hmdb51
from ac_keras.annotations.official_lists import find_files
from ac_keras.annotations.official_lists import write_listed
from ac_keras.annotations.splits import hold_out_groups

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir", None, "A folder of .avi a class.", required=True
)
_LISTS_DIR = flags.DEFINE_string(
    "lists_dir",
    None,
    "testTrainMulti_7030_splits, with brush_hair_test_split1.txt and so on.",
    required=True,
)
_SPLIT = flags.DEFINE_integer(
    "split", None, "1, 2 or 3.", required=True, lower_bound=1, upper_bound=3
)
_TABLE = flags.DEFINE_string(
    "table", None, "The CSV file to write.", required=True
)
_VALIDATION_SHARE = flags.DEFINE_float(
    "validation_share",
    0.1,
    "Share of each class's training clips to hold out, in whole sources.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Decides which sources are held out.", lower_bound=0
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        clips, unused = hmdb51.read_lists(_LISTS_DIR.value, _SPLIT.value)
        clips = hold_out_groups(clips, _VALIDATION_SHARE.value, _SEED.value)
        clips = find_files(clips, _VIDEOS_DIR.value)
        said = write_listed(clips, _VIDEOS_DIR.value, _TABLE.value)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    print(f"In neither part of the official split: {unused} clips")
    print("\n".join(said))
    missing = sum(clip.file is None for clip in clips)
    if missing:
        print(
            f"WARNING: {missing} of {len(clips)} official videos are missing: "
            "results on this table are not results on HMDB51.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    app.run(main)
