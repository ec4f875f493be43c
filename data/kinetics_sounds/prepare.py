r"""Writes the table of Kinetics-Sounds from that of Kinetics.

    python data/kinetics_sounds/prepare.py --kinetics_table=k400/kinetics.csv \
        --table=k400/kinetics_sounds.csv

See README.md beside this file.
"""

import pathlib
import sys

from absl import app
from absl import flags

from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.official_lists import ListedClip
from ac_keras.annotations.official_lists import missing_table
from ac_keras.annotations.official_lists import write_listed

# By their names in Kinetics-400. README.md says where they come from.
CLASSES = (
    "blowing nose",
    "blowing out candles",
    "bowling",
    "chopping wood",
    "dribbling basketball",
    "laughing",
    "mowing lawn",
    "playing accordion",
    "playing bagpipes",
    "playing bass guitar",
    "playing clarinet",
    "playing drums",
    "playing guitar",
    "playing harmonica",
    "playing keyboard",
    "playing organ",
    "playing piano",
    "playing saxophone",
    "playing trombone",
    "playing trumpet",
    "playing violin",
    "playing xylophone",
    "ripping paper",
    "shoveling snow",
    "shuffling cards",
    "singing",
    "stomping grapes",
    "tap dancing",
    "tapping guitar",
    "tapping pen",
    "tickling",
)

_KINETICS_TABLE = flags.DEFINE_string(
    "kinetics_table",
    None,
    "What data/kinetics/prepare.py wrote.",
    required=True,
)
_TABLE = flags.DEFINE_string(
    "table", None, "The CSV file to write.", required=True
)
_CLASSES = flags.DEFINE_list(
    "classes", list(CLASSES), "Names of the classes, as Kinetics has them."
)


def read_clips(table: pathlib.Path) -> list[ListedClip]:
    """Gives the clips of our classes, and the missing ones."""
    rows = [(row, row.path) for row in load_table(table)]
    if missing_table(table).is_file():
        rows += [(row, None) for row in load_table(missing_table(table))]
    clips = [
        ListedClip(row.path, row.labels[0], row.split, "", file)
        for row, file in rows
        if set(row.labels) & set(_CLASSES.value)
    ]
    lacking = set(_CLASSES.value) - {clip.label for clip in clips}
    if lacking:
        raise ValueError(
            f"Expected clips of all {len(_CLASSES.value)} classes in {table}. "
            f"Received: none of {sorted(lacking)}. Make the table of "
            "Kinetics-400, or name the classes with --classes."
        )
    return clips


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    table = pathlib.Path(_KINETICS_TABLE.value)
    if table.resolve() == pathlib.Path(_TABLE.value).resolve():
        raise app.UsageError(
            "Expected another file to write than the one to read. Received: "
            f"{table} twice."
        )
    try:
        clips = read_clips(table)
        said = write_listed(clips, table.parent, _TABLE.value)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    print("\n".join([f"{len(set(_CLASSES.value))} classes", *said]))


if __name__ == "__main__":
    app.run(main)
