"""Predicts files and stops for ever in the middle of the second one.

    python blocking_prediction.py RECORDS OUTPUT

Says so on its standard output, then waits for its standard input.
"""

import pathlib
import sys

from ac_keras.prediction import row_writers
from support.prediction import clip_files

STOP_IN = clip_files.name_of(1)


def write_and_stop(self, batch, write=row_writers.JsonLinesWriter.write):
    if batch.file.endswith(STOP_IN) and batch.index[0]:
        self._file.flush()
        print("in the middle", flush=True)
        sys.stdin.read()
    write(self, batch)


if __name__ == "__main__":
    row_writers.JsonLinesWriter.write = write_and_stop
    clip_files.predict(*map(pathlib.Path, sys.argv[1:]))
