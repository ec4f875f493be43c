"""Programs that write the official splits of datasets as tables."""

import ast
import collections
import pathlib

import pytest

from ac_keras.annotations.clip_table import load_table
from ac_keras.annotations.official_lists import missing_table
from support.datasets.data_program import refusal
from support.datasets.data_program import run_prepare
from support.datasets.data_program import run_prepare_well
from support.programs import DATA

pytestmark = pytest.mark.programs


PUSHUPS = "HandstandPushups"
UCF101_CLASSES = ("Archery", PUSHUPS)


HMDB51_CLASSES = ("brush_hair", "cartwheel")
# As odd as official names are; of each source, one clip of each class.


HMDB51_SOURCES = ("#20_Rhythm", "(Rad)Schlag_die_Bank!", "a;b", "it's")
(SOUNDS_CLASSES,) = (  # The program's list, without running it.
    ast.literal_eval(node.value)
    for node in ast.parse(
        (DATA / "kinetics_sounds" / "prepare.py").read_text()
    ).body
    if isinstance(node, ast.Assign) and node.targets[0].id == "CLASSES"
)
KINETICS_CLASSES = sorted([*SOUNDS_CLASSES, "abseiling", "strumming guitar"])


def touch(folder, names):
    for name in names:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_text(path, lines, ending="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{ending}" for line in lines).encode())


def ucf101(folder):
    """Of each class a test group and ten for training, of two clips each.

    Makes the files and lists, and returns the flags for them.
    """
    lists, train, test = folder / "ucfTrainTestlist", [], []
    for number, label in enumerate(UCF101_CLASSES, 1):
        stem = f"{label}/v_{label.replace('stand', 'Stand')}"
        clips = [
            f"{stem}_g{group:02d}_c0{k}.avi"
            for group in range(1, 12)
            for k in (1, 2)
        ]
        touch(folder / "UCF-101", clips)
        test += clips[:2]
        train += [f"{name} {number}" for name in clips[2:]]
    classes = [f"{i} {name}" for i, name in enumerate(UCF101_CLASSES, 1)]
    write_text(lists / "classInd.txt", classes, "\r\n")
    write_text(lists / "trainlist01.txt", train, "\r\n")
    write_text(lists / "testlist01.txt", test, "\r\n")
    return {
        "videos_dir": folder / "UCF-101",
        "lists_dir": lists,
        "table": folder / "clips.csv",
        "split": 1,
    }


def hmdb51(folder):
    """Of each class four clips for training, one for the test, one unused."""
    lists = folder / "testTrainMulti_7030_splits"
    for label in HMDB51_CLASSES:
        lines = {
            f"{source}_{label}_u_nm_np1_ba_goo_{k}.avi": 1
            for k, source in enumerate(HMDB51_SOURCES)
        }
        lines |= {f"Film_{label}_h_cm_np2_fr_med_{k}.avi": k for k in (0, 2)}
        touch(folder / "hmdb51_org" / label, lines)
        lines = [f"{name} {number} " for name, number in lines.items()]
        write_text(lists / f"{label}_test_split3.txt", lines)
    return {
        "videos_dir": folder / "hmdb51_org",
        "lists_dir": lists,
        "table": folder / "clips.csv",
        "split": 3,
    }


def kinetics(folder):
    """Folders train and val as archives give them, and their annotations."""
    annotations = []
    for part, count in {"train": 4, "val": 1}.items():
        rows = [
            (label, f"{part[0]}{i}-{k}", k, k + 10, part)
            for i, label in enumerate(KINETICS_CLASSES)
            for k in range(count)
        ]
        names = [f"{x[1]}_{x[2]:06d}_{x[3]:06d}.mp4" for x in rows]
        touch(folder / part, names)
        lines = [",".join(map(str, row)) for row in rows]
        head = "label,youtube_id,time_start,time_end,split"
        annotations.append(folder / "annotations" / f"{part}.csv")
        write_text(annotations[-1], [head, *lines])
    return {
        "videos_dir": folder,
        "annotations": ",".join(map(str, annotations)),
        "table": folder / "clips.csv",
        "validation_share": 0.25,
    }


def assert_all_but(gone, folder, result, total):
    """Checks the tables of a folder that lacks one of the official videos."""
    assert result.returncode == 0, result.stderr
    warning = f"WARNING: 1 of {total} official videos are missing"
    assert warning in result.stderr
    rows = load_table(folder / "clips.csv")
    assert all((folder / row.path).is_file() for row in rows)
    (missing,) = load_table(folder / "clips.missing.csv")
    assert missing[:3] == (gone, (gone.partition("/")[0],), "test")
    return rows


def test_ucf101_has_the_split_with_whole_groups_held_out(tmp_path):
    options = ucf101(tmp_path)
    gone = "HandstandPushups/v_HandStandPushups_g01_c02.avi"
    (tmp_path / "UCF-101" / gone).unlink()
    result = run_prepare("ucf101", validation_share=0.2, seed=1, **options)
    rows = assert_all_but(gone, tmp_path, result, 44)
    assert result.stdout.splitlines() == [
        "train: 32 clips, 0 missing",
        "validation: 8 clips, 0 missing",
        "test: 3 clips, 1 missing",
        f"The missing ones are in {tmp_path}/clips.missing.csv",
        f"The table is in {tmp_path}/clips.csv",
    ]
    held = [row for row in rows if row.split == "validation"]
    counts = collections.Counter(row.path.rpartition("_")[0] for row in held)
    assert set(counts.values()) == {2} and len(counts) == 4
    assert collections.Counter(row.labels for row in held) == {
        ("Archery",): 4,
        ("HandstandPushups",): 4,
    }


def test_groups_of_ucf101_are_held_out_by_number(tmp_path):
    options = ucf101(tmp_path)
    result = run_prepare("ucf101", validation_groups="3,7", **options)
    assert result.returncode == 0 and "WARNING" not in result.stderr
    rows = load_table(tmp_path / "clips.csv")
    held = {row.path for row in rows if row.split == "validation"}
    assert held == {
        f"UCF-101/{label}_g0{group}_c0{k}.avi"
        for label in ("Archery/v_Archery", f"{PUSHUPS}/v_HandStandPushups")
        for group in (3, 7)
        for k in (1, 2)
    }


def test_hmdb51_has_the_split_with_whole_sources_held_out(tmp_path):
    options = hmdb51(tmp_path)
    gone = "cartwheel/Film_cartwheel_h_cm_np2_fr_med_2.avi"
    (tmp_path / "hmdb51_org" / gone).unlink()
    result = run_prepare("hmdb51", validation_share=0.25, **options)
    rows = assert_all_but(gone, tmp_path, result, 10)
    assert result.stdout.splitlines()[:4] == [
        "In neither part of the official split: 2 clips",
        "train: 6 clips, 0 missing",
        "validation: 2 clips, 0 missing",
        "test: 1 clips, 1 missing",
    ]
    named = {
        (source, label): row.split
        for row in rows
        for source in HMDB51_SOURCES
        for label in HMDB51_CLASSES
        if row.path.startswith(f"hmdb51_org/{label}/{source}_")
    }
    assert len(named) == 8
    held = {source for (source, _), split in named.items() if split != "train"}
    assert len(held) == 1
    assert [row.labels[0] for row in rows if row.split == "validation"] == [
        *HMDB51_CLASSES
    ]


@pytest.fixture(scope="module")
def kinetics_table(tmp_path_factory):
    """The table of all classes, two clips missing, and what was said."""
    folder = tmp_path_factory.mktemp("kinetics")
    options = kinetics(folder)
    bowling = KINETICS_CLASSES.index("bowling")
    (folder / "val" / "v0-0_000000_000010.mp4").unlink()  # abseiling
    (folder / "train" / f"t{bowling}-2_000002_000012.mp4").unlink()
    return options["table"], run_prepare_well("kinetics", **options)


def test_the_kinetics_table_counts_what_is_there(kinetics_table):
    table, said = kinetics_table
    rows, missing = load_table(table), load_table(missing_table(table))
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
        (label,): 1 for label in KINETICS_CLASSES
    }
    assert all((table.parent / row.path).is_file() for row in rows)
    assert all(row.path.startswith(("train/", "val/")) for row in rows)


def test_kinetics_sounds_is_part_of_kinetics(kinetics_table, tmp_path):
    table, _ = kinetics_table
    sounds = tmp_path / "sounds.csv"
    said = run_prepare_well(
        "kinetics_sounds", kinetics_table=table, table=sounds
    )
    assert len(set(SOUNDS_CLASSES)) == 31
    assert said.splitlines()[0] == "31 classes"
    assert said.splitlines()[3] == "test: 31 clips, 0 missing"
    rows = load_table(sounds)
    assert {row.labels[0] for row in rows} == set(SOUNDS_CLASSES)
    assert len(rows) == 5 * 31 - 1
    splits = {
        (table.parent / row.path).resolve(): row.split
        for row in load_table(table)
    }
    for row in rows:
        assert splits[(tmp_path / row.path).resolve()] == row.split
    (missing,) = load_table(missing_table(sounds))
    assert missing.labels == ("bowling",)


def sounds(folder):
    options = kinetics(folder)
    run_prepare_well("kinetics", **options)
    return {"kinetics_table": options["table"], "table": folder / "sounds.csv"}


@pytest.mark.parametrize(
    "make, changed, parts",
    [
        (
            ucf101,
            {"videos_dir": "."},
            [
                "such as Archery/v_Archery_g02_c01.avi in {folder}",
                "none of the 44 videos",
            ],
        ),
        (hmdb51, {"split": 2}, ["such as brush_hair_test_split2.txt"]),
        (
            kinetics,
            {"videos_dir": "annotations"},
            [
                "such as t0-0_000000_000010.mp4 in {folder}/annotations",
                "none of the 165 videos",
            ],
        ),
        (sounds, {"classes": "bowling,typing"}, ["none of ['typing']"]),
    ],
)
def test_a_run_without_its_videos_or_lists_names_them(
    make, changed, parts, tmp_path
):
    options = make(tmp_path)
    if "videos_dir" in changed:
        changed = {"videos_dir": tmp_path / changed["videos_dir"]}
    dataset = "kinetics_sounds" if make is sounds else make.__name__
    said = refusal(dataset, **{**options, **changed})
    assert all(part.format(folder=tmp_path) in said for part in parts)
    assert "Traceback" not in said
    assert not options["table"].exists()


def test_the_kinetics_table_is_not_written_over(kinetics_table):
    table, _ = kinetics_table
    before = table.read_bytes()
    said = refusal("kinetics_sounds", kinetics_table=table, table=table)
    assert "--table to differ" in said
    assert table.read_bytes() == before
