r"""Writes the table of UCF101's videos for one of its official splits.

    python data/ucf101/prepare.py --videos_dir=UCF101/UCF-101 \
        --lists_dir=UCF101/ucfTrainTestlist --split=1 --table=UCF101/split1.csv

See README.md beside this file.
"""

import sys

from absl import app
from absl import flags

from ac_keras.annotations import ucf101
from ac_keras.annotations.official_lists import find_files
from ac_keras.annotations.official_lists import write_listed
from ac_keras.annotations.splits import hold_out_groups

_VIDEOS_DIR = flags.DEFINE_string(
    "videos_dir", None, "UCF-101, a folder of .avi a class.", required=True
)
_LISTS_DIR = flags.DEFINE_string(
    "lists_dir",
    None,
    "ucfTrainTestlist, with classInd.txt, trainlist01.txt and so on.",
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
    "Share of each class's training clips to hold out, in whole groups.",
)
_VALIDATION_GROUPS = flags.DEFINE_list(
    "validation_groups",
    None,
    "Numbers of the groups to hold out of every class, such as 8,9.",
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Decides which groups are held out.", lower_bound=0
)


def hold_out(clips):
    """Makes validation clips as the flags say."""
    if _VALIDATION_GROUPS.value is None:
        return hold_out_groups(clips, _VALIDATION_SHARE.value, _SEED.value)
    if _VALIDATION_SHARE.present or not all(
        text.isdecimal() for text in _VALIDATION_GROUPS.value
    ):
        raise app.UsageError(
            "Expected --validation_groups such as 8,9, and without "
            f"--validation_share. Received: {_VALIDATION_GROUPS.value}."
        )
    return ucf101.hold_out_numbers(clips, {*map(int, _VALIDATION_GROUPS.value)})


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        clips = hold_out(ucf101.read_lists(_LISTS_DIR.value, _SPLIT.value))
        clips = find_files(clips, _VIDEOS_DIR.value)
        said = write_listed(clips, _VIDEOS_DIR.value, _TABLE.value)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    print("\n".join(said))
    missing = sum(clip.file is None for clip in clips)
    if missing:
        print(
            f"WARNING: {missing} of {len(clips)} official videos are missing: "
            "results on this table are not results on UCF101.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    app.run(main)
