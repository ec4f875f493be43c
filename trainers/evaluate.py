"""Measures a trained model on a split of a dataset.

    python trainers/evaluate.py --model=runs/flash_mnist/model.keras \
        --data_dir=records/flash_mnist --split=validation

The figures are those that training reports: of one label a clip or several.
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
    "model", None, "The model.keras of a run.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_SPLIT = flags.DEFINE_string("split", "test", "The split to measure on.")
_EVAL_FRAMES = flags.DEFINE_integer(
    "eval_frames",
    0,
    "Frames taken at equal intervals from each clip; 0 takes all.",
    lower_bound=0,
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips at a time.", lower_bound=1
)


def measure() -> dict:
    """Gives the split's number of clips and figures.

    Raises:
        FileNotFoundError: If model or dataset are missing.
        ValueError: If they do not fit, or a record is broken.
    """
    manifest = Manifest.load(_DATA_DIR.value)
    split, description = manifest.split(_SPLIT.value), manifest.description
    model = runs.load_classifier(_MODEL.value, description)
    read = functools.partial(
        evaluation_batches,
        manifest,
        _SPLIT.value,
        sample_size=_EVAL_FRAMES.value,
        modalities=model.get_layer("clusters").modalities,
    )
    evaluator = training.Evaluator(
        model,
        training.evaluation_metrics(description),
        description.multi_label,
    )
    with runs.named_damage(manifest, _SPLIT.value):
        measured = evaluator.evaluate(
            lambda size, share: read(batch_size=size, share=share),
            _BATCH_SIZE.value,
        )
    return {"num_clips": split.num_clips, **measured}


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        print(json.dumps(measure(), indent=1))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    app.run(main)
