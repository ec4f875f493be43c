"""What units attend to, as a section of a page."""

import copy

import pytest

from report_pages import describe_diversity
from report_pages import find_pictures
from report_pages import read_diversity
from support.flash_mnist.made_up_sweep import parse_tables
from support.flash_mnist.made_up_sweep import write_json

KINDS = (*map(str, range(10)), "none")
WEIGHTS = {kind: [0.01, 0.02, 0.03] for kind in KINDS}
RUN = {
    "num_units": 3,
    "test_clips": 100,
    "test_accuracy": 0.875,
    "divergence_nats": 0.5554,
    "favourite_digits": 1,
    "seen_digits": 2,
    "units_of_digit": [0, 0, 0, 0, 0, 0, 0, 2, 0, 0],
    "favourites": [None, 7, 7],
    "weights": WEIGHTS
    | {"7": [0.04, 0.80, 0.90], "3": [None] * 3, "none": [0.1, 0.2, 0.6]},
    "even_weights": dict.fromkeys(KINDS, 0.06) | {"3": None},
}


@pytest.fixture
def path(tmp_path):
    write_json(tmp_path / "diversity.json", {"plain": RUN})
    return tmp_path / "diversity.json"


def test_a_run_has_a_line(path):
    rows, *_ = parse_tables(describe_diversity(read_diversity(path), {}))
    assert rows[1] == ["plain", "3", "87.5", "0.555", "1", "58", "2", "30"]


def test_weights_are_a_table_by_favourite_digit(path):
    _, rows = parse_tables(describe_diversity(read_diversity(path), {}))
    assert rows[0] == [
        *("frames with", "unit 3 (7)", "unit 2 (7)", "unit 1 (none)"),
        "even weights",
    ]
    assert [row[0] for row in rows[1:]] == list(KINDS)
    assert rows[8] == ["7", "90", "80", "4", "6"]
    assert rows[4] == ["3", "–", "–", "–", "–"]


def test_pictures_beside_the_file_are_found(path):
    runs = read_diversity(path)
    assert find_pictures(path, runs) == {}
    for name in ("attended_digits.png", "attention.png", "attention_plain.png"):
        (path.parent / name).write_bytes(b"")
    names = [x.name for x in find_pictures(path, runs).values()]
    assert names == ["attention.png", "attended_digits.png"]


def test_maps_of_single_runs_are_found_where_none_has_all(path):
    runs = {"a/plain": RUN, "b": RUN}
    (path.parent / "attention_a-plain.png").write_bytes(b"")
    assert find_pictures(path, runs) == {
        "Attention of a/plain": path.parent / "attention_a-plain.png"
    }


def test_pictures_have_alt_texts_and_one_takes_the_tables_place(path):
    runs = read_diversity(path)
    (path.parent / "attended_digits.png").write_bytes(b"")
    pictures = dict.fromkeys(find_pictures(path, runs), "page/x.png")
    text = describe_diversity(runs, pictures)
    assert (
        "\n![Weight of each unit on the frames with each digit](page/x.png)\n"
    ) in text
    assert len(parse_tables(text)) == 1


def spoil(run, key, value):
    *outer, last = key.split(".")
    for name in outer:
        run = run[name]
    run[last] = value


@pytest.mark.parametrize(
    "key, value",
    [
        ("weights.none", [0.1]),
        ("weights.4", None),
        ("weights.4", [0.1, 1.2, 0.1]),
        ("even_weights.4", "x"),
        ("favourites", [None, 7]),
        ("favourites", [None, 7, 10]),
        ("num_units", 0),
    ],
)
def test_numbers_that_do_not_fit_are_refused(key, value, path):
    run = copy.deepcopy(RUN)
    spoil(run, key, value)
    write_json(path, {"plain": run})
    message = "Expected a favourite digit.*run plain, with others. Make it"
    with pytest.raises(ValueError, match=message):
        read_diversity(path)


def test_other_files_are_refused(path):
    write_json(path, {"plain": {"num_units": 3}})
    with pytest.raises(ValueError, match="run plain without test_clips"):
        read_diversity(path)
    write_json(path, {})
    with pytest.raises(ValueError, match="Expected a run or more"):
        read_diversity(path)
