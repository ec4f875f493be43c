"""Compares what the units of clusters attend to in Flash-MNIST.

    python trainers/flash_mnist/attention_diversity.py --runs=runs/shifted,runs/plain \
        --data_dir=records/flash_mnist --output_dir=pictures

It is known which digits lie on which frame, so that units can be told by the
digits that they attend to. The program looks at all test clips and writes

- `diversity.json` and `diversity.md`: for each run how far its units diverge
  and how much weight each puts on each digit;
- `attended_digits.png`: these weights, run beside run;
- `attention.png`: the first test clips with the attention of all runs side by
  side, as in the paper's Figure 5, and `attention_RUN.png` with that of one.
"""

import json
import math
import pathlib
import sys

import keras
from absl import app
from absl import flags

import ac_keras  # noqa: F401, makes the layers known to load_model
from ac_keras import visualization
from ac_keras.pipeline import Manifest
from ac_keras.utils import atomic_file
from digit_attention import KINDS
from digit_attention import DigitAttention
from digit_attention import measure_digit_attention
from digit_pictures import save_attended_digits
from digit_pictures import save_flashed_clips

_RUNS = flags.DEFINE_list(
    "runs", None, "Output folders of trainers/train.py.", required=True
)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of Flash-MNIST.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of all that is written.", required=True
)
_NUM_CLIPS = flags.DEFINE_integer(
    "num_clips", 3, "Clips in an attention map.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Clips looked at together.", lower_bound=1
)

MODEL = "model.keras"


def check_runs(runs: dict[str, pathlib.Path]) -> None:
    """Says which runs have no model.

    Raises:
        ValueError: If there is one.
    """
    missing = [x for x in runs.values() if not (x / MODEL).is_file()]
    if missing:
        raise ValueError(
            f"Expected every run to have {MODEL}. Received: "
            f"{', '.join(map(str, missing))} without. A run has it when it has "
            "ended; leave it out or train it to its end."
        )


def as_json(found: DigitAttention) -> dict:
    """Gives a run's numbers, units in the model's order."""
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
    """Gives a number, or None for that of a kind that no clip has."""
    return None if math.isnan(value) else float(value)


def as_markdown(runs: dict[str, DigitAttention]) -> str:
    """Makes a table of the runs, means over units, and one of each run."""
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
    page = [table(columns, rows)]
    for name, found in runs.items():
        header = ["frames with", *found.unit_names, "even weights"]
        cells = [
            [kind, *map(percent, weights[found.order]), percent(even)]
            for kind, weights, even in zip(
                KINDS, found.table, found.even, strict=True
            )
        ]
        page.append(f"## {name}\n\n{table(header, cells)}")
    return "\n".join(page)


def percent(share: float, digits: int = 0) -> str:
    """Gives a share as a percentage, nothing where it is unknown."""
    return "" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Gives a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


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
        print(f"{_DATA_DIR.value} keeps no images; attention was not drawn.")
    save_attended_digits(runs, output_dir / "attended_digits.png")
    values = {name: as_json(found) for name, found in runs.items()}
    atomic_file.write_text(
        output_dir / "diversity.json", json.dumps(values, indent=1) + "\n"
    )
    page = as_markdown(runs)
    atomic_file.write_text(output_dir / "diversity.md", page)
    print(page.partition("\n\n")[0])
    print(f"All of it is in {output_dir}")


if __name__ == "__main__":
    app.run(main)
