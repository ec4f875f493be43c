"""attention_diversity.py: two runs of known attention, side by side."""

import json

import pytest
from matplotlib import image

from support.flash_mnist.attended_frames import mean_divergence
from support.flash_mnist.flashed_dataset import FLASHED
from support.flash_mnist.flashed_dataset import expected_weights
from support.flash_mnist.flashed_dataset import make_model
from support.flash_mnist.flashed_dataset import write_dataset
from support.programs import output_of
from support.programs import run_cases

pytestmark = pytest.mark.programs

PROGRAM = "flash_mnist/attention_diversity.py"
UNITS = {"shifted": (7, 3, 0, 9), "plain": (3, None, 3)}
REFUSED = {  # Flags that do not fit, and part of the error.
    "older folder": (
        {"data_dir": "older"},
        "python data/flash_mnist/prepare.py --output_dir",
    ),
    "no folder": ({"data_dir": "nowhere"}, "nowhere"),
    "no model": (
        {"runs": "plain,begun"},
        "begun without it. Leave out runs that",
    ),
    "twice": (
        {"runs": "plain,plain/"},
        "each folder once. Received: plain,plain/. Remove the",
    ),
    "one unit": (
        {"runs": "single"},
        "Received: num_units=1. Leave out clusters of one unit.",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Datasets, and runs beside them."""
    folder = tmp_path_factory.mktemp("diversity")
    for name in ("records", "blind", "older"):
        write_dataset(folder / name)
    (folder / "blind" / "previews.npz").unlink()
    (folder / "older" / "frame_digits.npz").unlink()
    for name, units in {**UNITS, "single": [3]}.items():
        (folder / name).mkdir()
        make_model(units).save(folder / name / "model.keras")
    (folder / "begun").mkdir()
    return folder


@pytest.fixture(scope="module")
def results(folder):
    """By case, the finished process."""
    right = {"data_dir": "records", "runs": "shifted,plain"}
    cases = {
        "whole": right | {"output_dir": "plots", "num_clips": 2},
        "blind": right | {"data_dir": "blind", "output_dir": "numbers"},
    }
    for name, (changes, _) in REFUSED.items():
        cases[name] = right | changes | {"output_dir": "no"}
    done = run_cases([(PROGRAM, flags) for flags in cases.values()], folder)
    return dict(zip(cases, done, strict=True))


@pytest.fixture(scope="module")
def printed(results):
    return output_of(results["whole"])


@pytest.fixture(scope="module")
def found(printed, folder):
    return json.loads((folder / "plots" / "diversity.json").read_text())


def test_it_writes_the_documented_files(printed, folder):
    assert "The results are in plots" in printed
    names = sorted(path.name for path in (folder / "plots").iterdir())
    assert names == [
        "attended_digits.png",
        "attention.png",
        "attention_plain.png",
        "attention_shifted.png",
        "diversity.json",
        "diversity.md",
    ]
    for path in (folder / "plots").glob("*.png"):
        assert image.imread(path)[:, :, :3].std() > 0.1


def test_the_metrics_are_those_of_the_runs(found):
    assert list(found) == list(UNITS)
    for name, units in UNITS.items():
        expected = mean_divergence(expected_weights(units))
        assert found[name]["divergence_nats"] == pytest.approx(expected, 1e-5)
    assert found["shifted"]["test_clips"] == len(FLASHED)
    assert found["shifted"]["test_accuracy"] == 1
    assert found["plain"]["test_accuracy"] < 0.5


def test_favourites_and_weights_are_of_the_digits_that_units_point_at(found):
    assert found["shifted"]["favourites"] == [7, 3, 0, 9]
    assert found["plain"]["favourites"] == [3, None, 3]
    counts = [run["favourite_digits"] for run in found.values()]
    assert counts == [4, 1]
    assert found["plain"]["units_of_digit"] == [0, 0, 0, 2, 0, 0, 0, 0, 0, 0]
    weights = found["shifted"]["weights"]
    assert list(weights) == [*"0123456789", "none"]
    assert [weights["7"][0], weights["3"][1]] == pytest.approx([1, 1])
    assert weights["1"] == [None] * 4  # no clip has a 1


def test_the_page_has_the_numbers_of_the_json(printed, found, folder):
    page = (folder / "plots" / "diversity.md").read_text()
    for name, run in found.items():
        (row,) = [x for x in page.splitlines() if x.startswith(f"| {name} |")]
        assert f"| {run['divergence_nats']:.3f} |" in row
        assert f"| {100 * run['test_accuracy']:.2f} % |" in row
        assert row in printed
    assert "| frames with | unit 1 (3) | unit 3 (3) | unit 2 (none) |" in page


def test_a_dataset_without_images_has_its_numbers(results, found, folder):
    text = output_of(results["blind"])
    assert "blind has no images: no attention.png was drawn." in text
    names = sorted(path.name for path in (folder / "numbers").iterdir())
    assert names == ["attended_digits.png", "diversity.json", "diversity.md"]
    assert json.loads((folder / "numbers" / names[1]).read_text()) == found


@pytest.mark.parametrize("case", REFUSED)
def test_flags_that_do_not_fit_are_rejected(case, results, folder):
    result = results[case]
    assert result.returncode == 1
    assert REFUSED[case][1] in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "no").exists()
