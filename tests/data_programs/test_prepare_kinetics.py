"""The programs of Kinetics and Kinetics-Sounds, on made-up layouts."""

import ast
import collections

import pytest

from ac_keras.pipeline.clip_table import load_table
from official_layouts import make_kinetics
from scan_programs import DATA
from scan_programs import refusal
from scan_programs import run_prepare_well

OTHERS = ["abseiling", "strumming guitar"]


def sounds_classes():
    """The program's list, without running it."""
    tree = ast.parse((DATA / "kinetics_sounds" / "prepare.py").read_text())
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "CLASSES"
    )
    return ast.literal_eval(value)


def annotations(folder):
    return ",".join(f"{folder}/annotations/{x}.csv" for x in ("train", "val"))


@pytest.fixture(scope="module")
def kinetics(tmp_path_factory):
    """The table of all classes, two clips missing, and what was said."""
    folder = tmp_path_factory.mktemp("kinetics")
    labels = sorted([*sounds_classes(), *OTHERS])
    make_kinetics(folder, labels)
    bowling = labels.index("bowling")
    (folder / "val" / "v0-0_000000_000010.mp4").unlink()  # abseiling
    (folder / "train" / f"t{bowling}-2_000002_000012.mp4").unlink()
    said = run_prepare_well(
        "kinetics",
        videos_dir=folder,
        annotations=annotations(folder),
        table=folder / "kinetics.csv",
        validation_share=0.25,
    )
    return folder, said


def test_the_kinetics_table_counts_what_is_there(kinetics):
    folder, said = kinetics
    rows = load_table(folder / "kinetics.csv")
    missing = load_table(folder / "kinetics.missing.csv")
    counts = collections.Counter(row.split for row in rows)
    lost = collections.Counter(row.split for row in missing)
    assert said.splitlines()[:3] == [
        f"{split}: {counts[split]} clips, {lost[split]} missing"
        for split in ("train", "validation", "test")
    ]
    assert counts["test"] == 32 and lost["test"] == 1
    assert counts["train"] + counts["validation"] == 4 * 33 - 1
    held = [row for row in [*rows, *missing] if row.split == "validation"]
    assert collections.Counter(row.labels for row in held) == {
        (label,): 1 for label in [*sounds_classes(), *OTHERS]
    }
    assert all((folder / row.path).is_file() for row in rows)
    assert all(row.path.startswith(("train/", "val/")) for row in rows)


def test_kinetics_sounds_is_part_of_kinetics(kinetics, tmp_path):
    folder, _ = kinetics
    said = run_prepare_well(
        "kinetics_sounds",
        kinetics_table=folder / "kinetics.csv",
        table=tmp_path / "sounds.csv",
    )
    assert len(set(sounds_classes())) == 31
    assert said.splitlines()[0] == "31 classes"
    assert said.splitlines()[3] == "test: 31 clips, 0 missing"
    rows = load_table(tmp_path / "sounds.csv")
    assert {row.labels[0] for row in rows} == set(sounds_classes())
    assert len(rows) == 5 * 31 - 1
    splits = {
        (folder / row.path).resolve(): row.split
        for row in load_table(folder / "kinetics.csv")
    }
    for row in rows:
        assert splits[(tmp_path / row.path).resolve()] == row.split
    (missing,) = load_table(tmp_path / "sounds.missing.csv")
    assert missing.labels == ("bowling",)


def test_classes_that_kinetics_lacks_are_named(kinetics, tmp_path):
    said = refusal(
        "kinetics_sounds",
        kinetics_table=kinetics[0] / "kinetics.csv",
        table=tmp_path / "sounds.csv",
        classes="bowling,typing",
    )
    assert "none of ['typing']" in said and "Traceback" not in said
    assert not (tmp_path / "sounds.csv").exists()


def test_the_kinetics_table_is_not_written_over(kinetics):
    table = kinetics[0] / "kinetics.csv"
    before = table.read_bytes()
    said = refusal("kinetics_sounds", kinetics_table=table, table=table)
    assert "another file to write" in said
    assert table.read_bytes() == before


def test_a_folder_without_the_videos_is_named(kinetics, tmp_path):
    folder, _ = kinetics
    said = refusal(
        "kinetics",
        videos_dir=folder / "annotations",
        annotations=annotations(folder),
        table=tmp_path / "kinetics.csv",
        validation_share=0,
    )
    assert "such as t0-0_000000_000010.mp4 in" in said
    assert "none of the 165 videos" in said and "Traceback" not in said
    assert not (tmp_path / "kinetics.csv").exists()
