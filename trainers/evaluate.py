"""Evaluates a trained model on a split of a dataset.

    python trainers/evaluate.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=validation

Prints the metrics that training reports, as JSON, with 95 % intervals.
"""

import functools
import json
import sys

from absl import app
from absl import flags

from ac_keras import runs
from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches

_MODEL = flags.DEFINE_string(
    "model", None, "Path of the model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_SPLIT = flags.DEFINE_string("split", "test", "Split to evaluate on.")
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Number of frames taken at equal intervals from each clip; 0 takes all.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Number of clips in a batch.", lower_bound=1
)


def evaluate() -> dict:
    """Computes the metrics of the split.

    Returns:
        The number of clips, and the metrics and their intervals by name.

    Raises:
        FileNotFoundError: If the model or the dataset is missing.
        ValueError: If they do not match, or a record is corrupt.
    """
    manifest = Manifest.load(_DATA_DIR.value)
    description = manifest.description
    model = runs.load_classifier(_MODEL.value, description)
    read = functools.partial(
        evaluation_batches,
        manifest,
        _SPLIT.value,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.modalities,
    )
    evaluator = training.Evaluator(
        model,
        training.evaluation_metrics(description),
        description.multi_label,
    )
    with runs.name_corrupt_records(manifest, _SPLIT.value):
        metrics = evaluator.evaluate(
            lambda size, shard: read(batch_size=size, shard=shard),
            _BATCH_SIZE.value,
        )
    return evaluator.with_intervals(metrics)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        print(json.dumps(evaluate(), indent=1))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
