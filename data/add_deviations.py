"""Adds feature deviations to the manifest of a dataset of version 0.1.0.

    python data/add_deviations.py --data_dir=records/my_dataset

Training standardizes frames by the mean and the deviation of each feature,
and version 0.1.0 kept only the mean. The records are read once and stay as
they are; a manifest that has the deviations is left alone.
"""

import sys

from absl import app
from absl import flags

from ac_keras.pipeline import Manifest
from ac_keras.pipeline import add_deviations

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        manifest = Manifest.load(_DATA_DIR.value)
        if all(x.feature_deviations for x in manifest.splits.values()):
            print(f"{_DATA_DIR.value} has feature deviations.")
            return
        add_deviations(manifest)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    print(f"Feature deviations were added to {_DATA_DIR.value}.")


if __name__ == "__main__":
    app.run(main)
