"""An extraction that kills its own process once a shard is written.

python killed_extraction.py MEDIA_DIR OUTPUT_DIR ROWS
"""

import json
import os
import pathlib
import signal
import sys

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.engines import local_engine
from support.media.extracted_media import make_job

if __name__ == "__main__":
    media_dir, output_dir, rows = sys.argv[1:]
    rows = [
        ClipRow(path, tuple(labels), *others)
        for path, labels, *others in json.loads(rows)
    ]
    _, job, tasks, _ = make_job(pathlib.Path(media_dir), output_dir, rows)
    for _ in local_engine.run_shards(job, tasks, 1, lambda event: None):
        os.kill(os.getpid(), signal.SIGKILL)
