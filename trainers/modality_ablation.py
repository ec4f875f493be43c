r"""Trains on every set of a dataset's modalities, and tables what came out.

    python trainers/modality_ablation.py --data_dir=records/digits_av \
        --methods='shifting clusters=digits_av.flags,average pooling=...' \
        --output_dir=runs/digits_av_modalities \
        --page=docs/results/digits_av.md

A method is a name and a flagfile of trainers/train.py, which trains each run in
a process of its own: every set of modalities by every method from every seed,
one after the other, each into a folder of its own. The same command goes on
where it was stopped; runs of several seeds can be made side by side by giving
each command other seeds. The page compares the first method with the others.
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
    "output_dir", None, "Folder of all runs.", required=True
)
_METHODS = flags.DEFINE_list(
    "methods", None, "NAME=FLAGFILE of each.", required=True
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of each.")
_PAGE = flags.DEFINE_string("page", None, "A Markdown file to write.")
_ABOUT = flags.DEFINE_string(
    "about", None, "A Markdown file whose text goes below the page's title."
)

TRAIN = pathlib.Path(__file__).with_name("train.py")
LOOK_SECONDS = 0.5
LAST_LINES = 3  # of a log, for a message


def parse_methods() -> dict[str, str]:
    """Gives the flagfile of each method.

    Raises:
        ValueError: If a method is not a name and a flagfile.
    """
    pairs = [value.partition("=")[::2] for value in _METHODS.value]
    methods = dict(pairs)
    folders = {pathlib.Path(path).stem for path in methods.values()}
    if not all(name and path for name, path in pairs) or (
        len(folders) < len(pairs)
    ):
        raise ValueError(
            "Expected --methods as NAME=FLAGFILE, each name and file once. "
            f"Received: {_METHODS.value}. Such as 'shifting "
            "clusters=digits_av.flags'."
        )
    return methods


def parse_seeds() -> list[int]:
    """Gives the seeds.

    Raises:
        ValueError: If one is no whole number.
    """
    if not _SEEDS.value or not all(x.isdecimal() for x in _SEEDS.value):
        raise ValueError(
            "Expected --seeds as whole numbers. Received: "
            f"{','.join(_SEEDS.value)!r}. Such as 0,1,2."
        )
    return [int(x) for x in _SEEDS.value]


def read_flagfile(flagfile: str) -> dict[str, str]:
    """Reads a flagfile's own lines.

    Raises:
        ValueError: If there is none, or none of the shipped ones.
    """
    path = pathlib.Path(flagfile)
    if not path.exists():
        path = TRAIN.parent / "flags" / flagfile
    if not path.is_file():
        raise ValueError(
            "Expected --methods to name flagfiles, or those in trainers/flags. "
            f"Received: {flagfile!r}. Check the name."
        )
    lines = [x.strip() for x in path.read_text().splitlines()]
    pairs = (x[2:].partition("=")[::2] for x in lines if x[:2] == "--")
    return dict(pairs)


def units_of(flagfile: str, modalities: list[str]) -> dict[str, int]:
    """Reads how many units a flagfile gives each modality."""
    units = read_flagfile(flagfile).get("num_units")
    if not units:
        raise ValueError(
            f"Expected a line --num_units=... in {flagfile}. Received: none. "
            "Say how many units each modality has."
        )
    return training.parse_num_units(units.split(","), modalities)


def check(methods: dict[str, str], manifest: Manifest) -> None:
    """Checks dataset, flagfiles and folders before the first run.

    Raises:
        ValueError: If they do not fit, or runs that are there were trained
            by other flagfiles or on another dataset.
    """
    if manifest.description.multi_label:
        raise ValueError(
            "Expected a dataset with one label a clip. Received: "
            f"{manifest.directory}, which is multi-label. Train each set with "
            "trainers/train.py."
        )
    for flagfile in methods.values():
        units_of(flagfile, list(manifest.description.modalities))
        folder = pathlib.Path(_OUTPUT_DIR.value) / pathlib.Path(flagfile).stem
        run_folder.claim(folder, read_flagfile(flagfile), manifest)


def run_of(flagfile: str, names: tuple[str, ...], seed: int) -> pathlib.Path:
    """The folder of a run."""
    folder = pathlib.Path(_OUTPUT_DIR.value) / pathlib.Path(flagfile).stem
    return folder / set_name(names) / f"seed_{seed}"


def train(flagfile, names, seed, modalities) -> dict:
    """Trains a run, or reads what came of it.

    Raises:
        RunStopped: If a signal came.
        ValueError: If the run failed.
    """
    folder, units = (
        run_of(flagfile, names, seed),
        units_of(flagfile, modalities),
    )
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
            said = log.read_text(errors="replace").strip().splitlines()
            raise ValueError(
                f"{folder} was not trained: see {log}, which ends in:\n"
                + "\n".join(said[-LAST_LINES:])
            )
    return run_folder.read_json(folder / run_folder.RESULT)


def run_child(command: list[str], log) -> int:
    """Runs a program; a signal to this one stops it first.

    Raises:
        RunStopped: If a signal came.
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
                "Stopped. The same command goes on with the run that it was at."
            )
    return status


def read_all(methods, seeds, modalities) -> ModalityAblation:
    """Trains what is missing and tells of each run."""
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
    """Gives the page."""
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
        "Test accuracy in percent, the mean over the seeds "
        f"{', '.join(map(str, ablation.seeds))} ± the sample standard "
        "deviation; in parentheses the mean on the validation split, on which "
        "every choice was made. The test split is read once a run.",
        accuracy_table(ablation).rstrip(),
        "Seed by seed, all modalities by the first method, and by how many "
        "points it is above its own best single modality and above the others:",
        seed_table(ablation).rstrip(),
        f"{len(ablation.results)} runs, {seconds / 60:.0f} minutes of "
        "training together, by",
        f"```\n{command(methods)}\n```",
        "Dataset "
        f"`{name}`, SHA-256 of its manifest "
        f"`{dataset['manifest_sha256'][:16]}…`; TensorFlow "
        f"{versions['tensorflow']}, Keras {versions['keras']}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def command(methods) -> str:
    """Gives the command that makes the runs and the page."""
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
