"""Compares the attention of the units of several clusters on Flash-MNIST.

    python trainers/flash_mnist/attention_diversity.py \
        --runs=runs/shifted,runs/plain --data_dir=records/flash_mnist \
        --output_dir=runs/diversity

Flash-MNIST records the digits on each frame, so the attention of a unit can be
measured by digit. The program evaluates all test clips and writes

- `diversity.json` and `diversity.md`: the divergence of the units of each run,
  and the weight of each unit on each digit;
- `attended_digits.png`: these weights, with the runs side by side;
- `attention.png`: the first test clips with the attention of all runs side by
  side, as in Figure 5 of the paper, and `attention_RUN.png` with one run.
"""

import json
import math
import pathlib
import sys

import keras
from absl import app
from absl import flags

import ac_keras  # noqa: F401, registers the layers for load_model
from ac_keras import visualization
from ac_keras.pipeline import Manifest
from ac_keras.utils import atomic_file
from digit_attention import KINDS
from digit_attention import DigitAttention
from digit_attention import measure_digit_attention
from digit_plots import save_attended_digits
from digit_plots import save_flashed_clips
from report_tables import markdown_table

_RUNS = flags.DEFINE_list(
    "runs", None, "Output folders of trainers/train.py.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of Flash-MNIST.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Output folder.", required=True
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 3, "Number of clips in attention.png.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Number of clips in a batch.", lower_bound=1
)

MODEL = "model.keras"


def check_runs(runs: dict[str, pathlib.Path]) -> None:
    """Checks that all runs have a model.

    Raises:
        ValueError: If a run has none.
    """
    missing = [x for x in runs.values() if not (x / MODEL).is_file()]
    if missing:
        raise ValueError(
            f"Expected every run to have {MODEL}. Received: "
            f"{', '.join(map(str, missing))} without it. Leave out runs that "
            "are not complete, or resume them."
        )


def as_json(found: DigitAttention) -> dict:
    """Returns the values of a run, with units in the order of the model."""
    favourites = [int(x) if x >= 0 else None for x in found.favourites]
    return {
        "num_units": len(favourites),
        "test_clips": found.num_clips,
        "test_accuracy": found.accuracy,
        "divergence_nats": found.divergence,
        "favourite_digits": found.num_favourites,
        "seen_digits": found.num_seen,
        "units_of_digit": found.units_of_digit.tolist(),
        "favourites": favourites,
        "weights": {
            kind: [known(x) for x in row]
            for kind, row in zip(KINDS, found.table, strict=True)
        },
        "even_weights": {
            kind: known(x) for kind, x in zip(KINDS, found.even, strict=True)
        },
    }


def known(value: float) -> float | None:
    """Returns a value, or None for NaN, of a kind that no clip has."""
    return None if math.isnan(value) else float(value)


def as_markdown(runs: dict[str, DigitAttention]) -> str:
    """Formats a table of all runs, with means over units, and one per run."""
    columns = [
        "run",
        "units",
        "test",
        "divergence (nats, at most 0.693)",
        "favourite digits",
        "weight on the favourite",
        "digits with half of a unit's weight",
        "weight on frames without a digit",
    ]
    rows = [
        [
            name,
            str(len(found.favourites)),
            percent(found.accuracy, 2),
            f"{found.divergence:.3f}",
            str(found.num_favourites),
            percent(found.favourite_weight),
            str(found.num_seen),
            percent(found.table[-1].mean()),
        ]
        for name, found in runs.items()
    ]
    page = [markdown_table(columns, rows, len(columns))]
    for name, found in runs.items():
        header = ["frames with", *found.unit_names, "even weights"]
        cells = [
            [kind, *map(percent, weights[found.order]), percent(even)]
            for kind, weights, even in zip(
                KINDS, found.table, found.even, strict=True
            )
        ]
        table = markdown_table(header, cells, len(header))
        page.append(f"## {name}\n\n{table}")
    return "\n".join(page)


def percent(share: float, digits: int = 0) -> str:
    """Formats a share in percent, as an empty text if it is NaN."""
    return "" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    output_dir = pathlib.Path(_OUTPUT_DIR.value)
    try:
        folders = visualization.name_runs(_RUNS.value)
        check_runs(folders)
        manifest = Manifest.load(_DATA_DIR.value)
        runs = {}
        for name, folder in folders.items():
            model = keras.models.load_model(folder / MODEL)
            runs[name] = measure_digit_attention(
                model, manifest, _NUM_CLIPS.value, _BATCH_SIZE.value
            )
            output_dir.mkdir(parents=True, exist_ok=True)
            visualization.save_preview_attention(
                model,
                manifest,
                output_dir / f"attention_{name.replace('/', '-')}.png",
                num_clips=_NUM_CLIPS.value,
            )
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    if not save_flashed_clips(runs, manifest, output_dir / "attention.png"):
        print(f"{_DATA_DIR.value} has no images: no attention.png was drawn.")
    save_attended_digits(runs, output_dir / "attended_digits.png")
    values = {name: as_json(found) for name, found in runs.items()}
    atomic_file.write_text(
        output_dir / "diversity.json", json.dumps(values, indent=1) + "\n"
    )
    page = as_markdown(runs)
    atomic_file.write_text(output_dir / "diversity.md", page)
    print(page.partition("\n\n")[0])
    print(f"The results are in {output_dir}")


if __name__ == "__main__":
    app.run(main)
