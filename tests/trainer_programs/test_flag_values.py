"""train.py: how it reads --num_units, the initializers and --flagfile."""

import json

import pytest

from support.programs import TRAINERS
from support.programs import output_of
from support.programs import run_program

pytestmark = pytest.mark.programs

MODALITIES = ["rgb", "audio", "flow"]
NUM_UNITS = {  # None where it is refused.
    "8": {"rgb": 8, "audio": 8, "flow": 8},
    "rgb:8": {"rgb": 8},
    "audio:2,rgb:16": {"audio": 2, "rgb": 16},
    "4,rgb:8": None,
    "rgb:8,4": None,
    "4,8": None,
    "0": None,
    "rgb:0": None,
    "rgb:-1": None,
    "-1": None,
    "rgb:": None,
    "rgb": None,
    "rgb:4,rgb:8": None,
    "smell:4": None,
    "rgb:4.5": None,
}
SHIPPED = sorted(path.name for path in (TRAINERS / "flags").iterdir())
FLAGFILES = ["flash_mnist.flags", "mine.flags", "sub/mine.flags"]
# Reads all of them in one process and prints what came of each.
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import train
num_units, modalities, flagfiles = json.loads(sys.argv[2])

def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

parse = train.training.parse_num_units
print(json.dumps({
    **{
        value: attempt(parse, value.split(","), modalities)
        for value in num_units
    },
    "flagfiles": [
        train.with_shipped_flagfiles(["train.py", f"--flagfile={name}"])[1]
        for name in flagfiles
    ],
}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """What the program makes of every value."""
    folder = tmp_path_factory.mktemp("flagfiles")
    (folder / "sub").mkdir()
    for name in FLAGFILES[1:]:
        (folder / name).write_text("--epochs=1\n")
    cases = json.dumps([list(NUM_UNITS), MODALITIES, FLAGFILES])
    (folder / "program.py").write_text(PROGRAM)
    result = run_program(folder / "program.py", TRAINERS, cases, cwd=folder)
    return json.loads(output_of(result))


@pytest.mark.parametrize("value", [x for x in NUM_UNITS if NUM_UNITS[x]])
def test_units_are_given_for_all_modalities_or_by_name(value, read):
    assert read[value] == NUM_UNITS[value]
    assert list(read[value]) == list(NUM_UNITS[value])


@pytest.mark.parametrize("value", [x for x in NUM_UNITS if not NUM_UNITS[x]])
def test_other_units_are_refused(value, read):
    message = (
        "ValueError: Expected the number of units as a number or as "
        f"MODALITY:NUMBER pairs with modalities among {MODALITIES}. Received: "
        f"num_units={value}. Name modalities of the dataset."
    )
    assert read[value] == message


def test_a_shipped_flagfile_is_pointed_to(read):
    path = TRAINERS / "flags" / "flash_mnist.flags"
    assert read["flagfiles"][0] == f"--flagfile={path}"


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
            f"one of {', '.join(SHIPPED)}. Received: 'other.flags'",
        ),
    ],
)
def test_what_is_misspelt_is_said_and_nothing_is_written(
    flag, expected, tmp_path
):
    result = run_program("train.py", flag, "--output_dir=run", cwd=tmp_path)
    assert result.returncode != 0
    assert expected in " ".join((result.stdout + result.stderr).split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("index", [1, 2])
def test_a_file_that_is_there_is_taken_as_it_is(index, read):
    assert read["flagfiles"][index] == f"--flagfile={FLAGFILES[index]}"
