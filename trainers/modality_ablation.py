r"""Trains on every set of modalities of a dataset and tabulates the results.

    python trainers/modality_ablation.py --data_dir=records/digits_av \
        --methods='shifting clusters=digits_av.flags,average pooling=...' \
        --output_dir=runs/digits_av_modalities \
        --page=docs/results/digits_av.md

A method is a name and a flagfile of trainers/train.py. Every set of modalities
is trained by every method from every seed, one run after the other, each in its
own process and folder. The same command resumes where it was stopped. Runs of
several seeds can be trained at the same time by commands with different seeds.
The page compares the first method with the others.
"""

import json
import pathlib
import shlex
import signal
import subprocess
import sys

from ablation_table import ModalityAblation
from ablation_table import accuracy_table
from ablation_table import modality_sets
from ablation_table import seed_table
from ablation_table import set_name
from absl import app
from absl import flags

from ac_keras import training
from ac_keras.pipeline import Manifest
from ac_keras.runs import folder as run_folder
from ac_keras.utils import atomic_file

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset.", required=True
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Output folder of all runs.", required=True
)
_METHODS = flags.DEFINE_list(
    "methods",
    None,
    "Methods to compare, each as NAME=FLAGFILE.",
    required=True,
)
_SEEDS = flags.DEFINE_list(
    "seeds", ["0", "1", "2"], "Seeds that every run is trained from."
)
_PAGE = flags.DEFINE_string("page", None, "Markdown page of the results.")
_ABOUT = flags.DEFINE_string(
    "about", None, "Markdown file with the text below the title of the page."
)

TRAIN = pathlib.Path(__file__).with_name("train.py")
LOOK_SECONDS = 0.5  # between checks for signals
LAST_LINES = 3  # of a log, in an error message


def parse_methods() -> dict[str, str]:
    """Returns the flagfile of each method.

    Raises:
        ValueError: If a method is not NAME=FLAGFILE, or one is listed twice.
    """
    pairs = [value.partition("=")[::2] for value in _METHODS.value]
    methods = dict(pairs)
    folders = {pathlib.Path(path).stem for path in methods.values()}
    if not all(name and path for name, path in pairs) or (
        len(folders) < len(pairs)
    ):
        raise ValueError(
            "Expected --methods as NAME=FLAGFILE, such as 'shifting "
            "clusters=digits_av.flags', with each name and file once. "
            f"Received: {_METHODS.value}."
        )
    return methods


def parse_seeds() -> list[int]:
    """Returns the seeds.

    Raises:
        ValueError: If a seed is not a whole number.
    """
    if not _SEEDS.value or not all(x.isdecimal() for x in _SEEDS.value):
        raise ValueError(
            "Expected --seeds as whole numbers, such as 0,1,2. Received: "
            f"{','.join(_SEEDS.value)!r}."
        )
    return [int(x) for x in _SEEDS.value]


def read_flagfile(flagfile: str) -> dict[str, str]:
    """Reads the flags of a flagfile.

    Raises:
        ValueError: If there is no such file, nor one in trainers/flags.
    """
    path = pathlib.Path(flagfile)
    if not path.exists():
        path = TRAIN.parent / "flags" / flagfile
    if not path.is_file():
        raise ValueError(
            "Expected --methods to name flagfiles, or those in trainers/flags. "
            f"Received: {flagfile!r}."
        )
    arguments = flags.FLAGS.read_flags_from_files([f"--flagfile={path}"])
    return dict(x.removeprefix("--").partition("=")[::2] for x in arguments)


def units_of(flagfile: str, modalities: list[str]) -> dict[str, int]:
    """Reads the number of units of each modality from a flagfile."""
    units = read_flagfile(flagfile).get("num_units")
    if not units:
        raise ValueError(
            "Expected a line --num_units=... with the number of units of each "
            f"modality. Received: {flagfile} without it. Add the line."
        )
    return training.parse_num_units(units.split(","), modalities)


def check(methods: dict[str, str], manifest: Manifest) -> None:
    """Checks dataset, flagfiles and folders before the first run.

    Raises:
        ValueError: If they are invalid, or the folder has runs of other
            flagfiles or of another dataset.
    """
    if manifest.description.multi_label:
        raise ValueError(
            "Expected a dataset with one label per clip. Received: "
            f"{manifest.directory}, which is multi-label. Train each set with "
            "trainers/train.py."
        )
    for flagfile in methods.values():
        units_of(flagfile, list(manifest.description.modalities))
        folder = pathlib.Path(_OUTPUT_DIR.value) / pathlib.Path(flagfile).stem
        run_folder.claim(folder, read_flagfile(flagfile), manifest)


def run_of(flagfile: str, names: tuple[str, ...], seed: int) -> pathlib.Path:
    """Returns the folder of a run."""
    folder = pathlib.Path(_OUTPUT_DIR.value) / pathlib.Path(flagfile).stem
    return folder / set_name(names) / f"seed_{seed}"


def train(flagfile, names, seed, modalities) -> dict:
    """Trains a run unless it is complete, and returns its result.

    Raises:
        RunStopped: If a signal stopped the run.
        ValueError: If the run failed.
    """
    folder = run_of(flagfile, names, seed)
    units = units_of(flagfile, modalities)
    if not (folder / run_folder.RESULT).is_file():
        arguments = {
            "flagfile": flagfile,
            "data_dir": _DATA_DIR.value,
            "output_dir": folder,
            "num_units": ",".join(f"{name}:{units[name]}" for name in names),
            "seed": seed,
        }
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log.txt"
        with log.open("a") as file:
            status = run_child(
                [
                    sys.executable,
                    str(TRAIN),
                    *(f"--{key}={value}" for key, value in arguments.items()),
                ],
                file,
            )
        if status:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise ValueError(
                f"Training of {folder} failed. Its log {log} ends with:\n"
                + "\n".join(lines[-LAST_LINES:])
            )
    return run_folder.read_json(folder / run_folder.RESULT)


def run_child(command: list[str], log) -> int:
    """Runs a program, which is stopped when this one receives a signal.

    Raises:
        RunStopped: If a signal stopped the program.
    """
    with training.StopSignal() as signals:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT
        )
        while True:
            try:
                status = process.wait(LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                if signals.received:
                    process.send_signal(signal.SIGTERM)
                    process.wait()
        if signals.received:
            raise training.RunStopped(
                "Stopped. The same command resumes the run."
            )
    return status


def read_all(methods, seeds, modalities) -> ModalityAblation:
    """Trains all runs that are not complete and prints their results."""
    results = {}
    for seed in seeds:
        for names in modality_sets(modalities):
            for method, flagfile in methods.items():
                result = train(flagfile, names, seed, modalities)
                results[method, names, seed] = result
                print(
                    f"seed {seed}, {', '.join(names)}, {method}: "
                    f"{100 * result['validation_accuracy']:.1f} % validation",
                    flush=True,
                )
    return ModalityAblation(modalities, list(methods), seeds, results)


def page_text(ablation: ModalityAblation, methods, about, manifest) -> str:
    """Formats the page of the results."""
    name = manifest.description.name
    first = run_of(
        methods[ablation.methods[0]],
        tuple(ablation.modalities),
        ablation.seeds[0],
    )
    dataset = json.loads((first / run_folder.DATASET).read_text())
    versions = next(iter(ablation.results.values()))
    seconds = sum(x["training_seconds"] for x in ablation.results.values())
    parts = [
        f"# {name}: every set of its modalities",
        about.strip(),
        "Test accuracy in percent: the mean over the seeds "
        f"{', '.join(map(str, ablation.seeds))} ± the sample standard "
        "deviation. In parentheses is the mean on the validation split, on "
        "which all settings were chosen. Each run reads the test split once.",
        accuracy_table(ablation).rstrip(),
        "By seed: the first method with all modalities, and in parentheses its "
        "difference in points to its best single modality and to the other "
        "methods.",
        seed_table(ablation).rstrip(),
        f"The {len(ablation.results)} runs took {seconds / 60:.0f} minutes of "
        "training. They and this page are made by",
        f"```\n{command(methods)}\n```",
        f"The SHA-256 of the manifest of `{name}` begins with "
        f"`{dataset['manifest_sha256'][:16]}`. The versions are TensorFlow "
        f"{versions['tensorflow']} and Keras {versions['keras']}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def command(methods) -> str:
    """Returns the command that makes the runs and the page."""
    values = {
        "data_dir": f"records/{pathlib.Path(_DATA_DIR.value).name}",
        "methods": ",".join("=".join(item) for item in methods.items()),
        "seeds": ",".join(_SEEDS.value),
        "output_dir": f"runs/{pathlib.Path(_OUTPUT_DIR.value).name}",
    }
    for flag in (_ABOUT, _PAGE):
        if flag.value:
            values[flag.name] = flag.value
    words = [f"--{key}={shlex.quote(value)}" for key, value in values.items()]
    return " \\\n    ".join(["python trainers/modality_ablation.py", *words])


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Expected flags only. Received: {argv[1:]}.")
    try:
        methods, seeds = parse_methods(), parse_seeds()
        manifest = Manifest.load(_DATA_DIR.value)
        modalities = list(manifest.description.modalities)
        check(methods, manifest)
        about = _ABOUT.value and pathlib.Path(_ABOUT.value).read_text()
        ablation = read_all(methods, seeds, modalities)
    except (FileNotFoundError, ValueError, training.RunStopped) as error:
        sys.exit(str(error))
    print(f"\n{accuracy_table(ablation)}\n{seed_table(ablation)}")
    if _PAGE.value:
        page = page_text(ablation, methods, about or "", manifest)
        atomic_file.write_text(pathlib.Path(_PAGE.value), page)
        print(f"The page is {_PAGE.value}")


if __name__ == "__main__":
    app.run(main)
