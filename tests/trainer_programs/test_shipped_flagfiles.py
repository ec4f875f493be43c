"""Flagfiles: every one in trainers/flags can be used as it is."""

import pathlib
import re

import pytest

from support.programs import TRAINERS
from support.programs import output_of
from support.programs import run_cases
from support.programs import run_program
from support.runs.run_folder import read_flagfile
from support.runs.tiny_dataset import MODALITIES

pytestmark = pytest.mark.programs

NAMES = sorted(path.name for path in (TRAINERS / "flags").iterdir())
DATA = TRAINERS.parent / "data"
CLIPS, CLASSES = 96, 6  # of the dataset that stands in
BATCH_SIZE = 48
each_file = pytest.mark.parametrize("name", NAMES)


def units_of(name):
    """The units of each modality of the dataset that stands in."""
    value = read_flagfile(name)["num_units"]
    if value.isdecimal():
        return dict.fromkeys(MODALITIES, int(value))
    pairs = (pair.split(":") for pair in value.split(","))
    return {modality: int(number) for modality, number in pairs}


@pytest.fixture(scope="module")
def printed(data_dir, multi_label_dir, tmp_path_factory):
    """Output of a dry run of every flagfile."""
    folder = tmp_path_factory.mktemp("dry_runs")
    cases = []
    for name in NAMES:
        data = multi_label_dir if name == "youtube8m.flags" else data_dir
        count = len(read_flagfile(name)["data_dir"].split(","))
        flags = {
            "flagfile": name,
            "data_dir": ",".join([str(data)] * count),
            "output_dir": folder / name,
            "batch_size": BATCH_SIZE,
            "dry_run": True,
        }
        cases.append(("train.py", flags))
    results = run_cases(cases, cwd=folder)
    assert not [x for x in folder.iterdir() if x.name in NAMES]
    return dict(zip(NAMES, map(output_of, results), strict=True))


@each_file
def test_no_flag_is_there_twice_and_the_dataset_is_described(name):
    lines = (TRAINERS / "flags" / name).read_text().splitlines()
    assert lines[0].startswith("# ")
    flags = [line.split("=")[0] for line in lines if line[:2] == "--"]
    assert len(set(flags)) == len(flags) > 5
    assert {"--data_dir", "--output_dir"} <= set(flags)
    for data_dir in read_flagfile(name)["data_dir"].split(","):
        parts = pathlib.Path(data_dir).parts
        assert parts[0] == "records"
        named = [x for x in DATA.iterdir() if parts[1].startswith(x.name)]
        (readme,) = (x / "README.md" for x in named)
        assert f"records/{parts[1]}" in readme.read_text() + "".join(
            x.read_text() for x in readme.parent.glob("*.flags")
        )


@each_file
def test_a_dry_run_prints_batches_parameters_and_steps(name, printed):
    values, units, text = read_flagfile(name), units_of(name), printed[name]
    shifts = 2 if values["shift"] == "true" else 0  # alpha and beta
    total = CLASSES  # biases
    for modality, count in units.items():
        frames = int(values.get("train_frames", 0)) or "[0-9]+"
        dim = MODALITIES[modality].dim
        shape = rf"{modality}: \({BATCH_SIZE}, {frames}, {dim}\) float32"
        assert re.search(shape, text)
        kernel = 0 if values["weighting"] == "average" else dim
        total += count * (kernel + shifts + dim * CLASSES)
        if values["standardize"] == "scale":  # a mean and a deviation
            total += dim + 1
    is_multi_label = name == "youtube8m.flags"
    labels = (BATCH_SIZE, CLASSES) if is_multi_label else (BATCH_SIZE,)
    assert f"labels: {labels}" in text
    others = set(MODALITIES) - set(units)
    assert not any(f"{x}_num_frames:" in text for x in others)
    assert f"Parameters: {total:,}\n" in text
    epochs, steps = int(values["epochs"]), CLIPS // BATCH_SIZE
    assert (
        f"Steps: {steps} in an epoch of {CLIPS} clips, {steps * epochs} in "
        f"{epochs} epochs"
    ) in text


# Prints which file the program reads for each value of --flagfile.
FINDER = """
import sys
sys.path.insert(0, sys.argv[1])
import train
for name in sys.argv[2:]:
    print(train.with_shipped_flagfiles(["train.py", f"--flagfile={name}"])[1])
"""


def test_shipped_flagfiles_are_found_where_no_local_file_has_the_name(tmp_path):
    names = ["flash_mnist.flags", "ucf101.flags", "sub/mine.flags"]
    (tmp_path / "sub").mkdir()
    for name in names[1:]:
        (tmp_path / name).write_text("--epochs=1\n")
    (tmp_path / "finder.py").write_text(FINDER)
    program = tmp_path / "finder.py"
    found = output_of(run_program(program, TRAINERS, *names, cwd=tmp_path))
    expected = [TRAINERS / "flags" / names[0], *names[1:]]
    assert found.splitlines() == [f"--flagfile={x}" for x in expected]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (
            "--learning_rte=1",
            "Unknown command line flag 'learning_rte'. Did you mean: "
            "learning_rate",
        ),
        (
            "--flagfile=other.flags",
            f"one of {', '.join(NAMES)}. Received: 'other.flags'",
        ),
    ],
)
def test_misspelt_flags_are_named_and_nothing_is_written(
    flag, expected, tmp_path
):
    result = run_program("train.py", flag, "--output_dir=run", cwd=tmp_path)
    assert result.returncode != 0
    assert expected in " ".join((result.stdout + result.stderr).split())
    assert not list(tmp_path.iterdir())
