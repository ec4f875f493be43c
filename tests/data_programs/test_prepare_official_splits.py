"""Programs that write the official splits of datasets as tables."""

import ast
import collections
import pathlib

import pytest

from ac_keras.annotations.clip_table import load_table
from support.datasets.data_program import refusal
from support.datasets.data_program import run_prepare
from support.datasets.data_program import run_prepare_well
from support.programs import DATA

pytestmark = pytest.mark.programs

UCF101_CLASSES = ("Archery", "HandstandPushups")
HMDB51_CLASSES = ("brush_hair", "cartwheel")
# As odd as official names are; of each source, one clip of each class.
HMDB51_SOURCES = ("#20_Rhythm", "(Rad)Schlag_die_Bank!", "a;b", "it's")


def touch(folder, names):
    for name in names:
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_text(path, lines, ending="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{ending}" for line in lines).encode())


def make_ucf101(folder):
    """Of each class a test group and ten for training, of two clips each."""
    lists, names = folder / "ucfTrainTestlist", {"train": [], "test": []}
    for number, label in enumerate(UCF101_CLASSES, 1):
        for group in range(1, 12):
            stem = f"{label}/v_{label.replace('stand', 'Stand')}_g{group:02d}"
            part = "test" if group == 1 else "train"
            names[part] += [(f"{stem}_c0{k}.avi", number) for k in (1, 2)]
    touch(folder / "UCF-101", [name for x in names.values() for name, _ in x])
    classes = [f"{i} {name}" for i, name in enumerate(UCF101_CLASSES, 1)]
    write_text(lists / "classInd.txt", classes, "\r\n")
    train = [f"{name} {number}" for name, number in names["train"]]
    write_text(lists / "trainlist01.txt", train, "\r\n")
    test = [name for name, _ in names["test"]]
    write_text(lists / "testlist01.txt", test, "\r\n")


def make_hmdb51(folder):
    """Of each class four clips for training, one for the test, one unused."""
    for label in HMDB51_CLASSES:
        lines = {
            f"{source}_{label}_u_nm_np1_ba_goo_{k}.avi": 1
            for k, source in enumerate(HMDB51_SOURCES)
        }
        lines |= {f"Film_{label}_h_cm_np2_fr_med_{k}.avi": k for k in (0, 2)}
        touch(folder / "hmdb51_org" / label, lines)
        write_text(
            folder / f"testTrainMulti_7030_splits/{label}_test_split3.txt",
            [f"{name} {number} " for name, number in lines.items()],
        )


def make_kinetics(folder, labels, num_train=4):
    """Folders train and val as archives give them, and their annotations."""
    for part, count in {"train": num_train, "val": 1}.items():
        rows = [
            (label, f"{part[0]}{i}-{k}", k, k + 10, part)
            for i, label in enumerate(labels)
            for k in range(count)
        ]
        names = [f"{x[1]}_{x[2]:06d}_{x[3]:06d}.mp4" for x in rows]
        touch(folder / part, names)
        lines = [",".join(map(str, row)) for row in rows]
        head = "label,youtube_id,time_start,time_end,split"
        write_text(folder / "annotations" / f"{part}.csv", [head, *lines])


@pytest.fixture
def run(tmp_path):
    make_ucf101(tmp_path)

    def run_program(runner=run_prepare, **options):
        return runner(
            "ucf101",
            **{
                "videos_dir": tmp_path / "UCF-101",
                "lists_dir": tmp_path / "ucfTrainTestlist",
                "table": tmp_path / "split1.csv",
                "split": 1,
                **options,
            },
        )

    return run_program


def test_the_table_has_the_split_with_whole_groups_held_out(run, tmp_path):
    gone = "HandstandPushups/v_HandStandPushups_g01_c02.avi"
    (tmp_path / "UCF-101" / gone).unlink()
    result = run(validation_share=0.2, seed=1)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "train: 32 clips, 0 missing",
        "validation: 8 clips, 0 missing",
        "test: 3 clips, 1 missing",
        f"The missing ones are in {tmp_path}/split1.missing.csv",
        f"The table is in {tmp_path}/split1.csv",
    ]
    assert "WARNING: 1 of 44 official videos are missing" in result.stderr
    rows = load_table(tmp_path / "split1.csv")
    assert all((tmp_path / row.path).is_file() for row in rows)
    held = [row for row in rows if row.split == "validation"]
    counts = collections.Counter(row.path.rpartition("_")[0] for row in held)
    assert set(counts.values()) == {2} and len(counts) == 4
    assert collections.Counter(row.labels for row in held) == {
        ("Archery",): 4,
        ("HandstandPushups",): 4,
    }
    (missing,) = load_table(tmp_path / "split1.missing.csv")
    assert missing[:3] == (gone, ("HandstandPushups",), "test")


def test_groups_are_held_out_by_number(run, tmp_path):
    result = run(validation_groups="3,7")
    assert result.returncode == 0 and "WARNING" not in result.stderr
    rows = load_table(tmp_path / "split1.csv")
    held = {row.path for row in rows if row.split == "validation"}
    assert held == {
        f"UCF-101/{label}_g0{group}_c0{k}.avi"
        for label in (
            "Archery/v_Archery",
            "HandstandPushups/v_HandStandPushups",
        )
        for group in (3, 7)
        for k in (1, 2)
    }


def test_the_wrong_folder_is_named(run, tmp_path):
    said = run(refusal, videos_dir=tmp_path)
    assert f"such as Archery/v_Archery_g02_c01.avi in {tmp_path}" in said
    assert "none of the 44 videos" in said and "Traceback" not in said
    assert not (tmp_path / "split1.csv").exists()


def options(folder):
    return {
        "videos_dir": folder / "hmdb51_org",
        "lists_dir": folder / "testTrainMulti_7030_splits",
        "table": folder / "split3.csv",
        "split": 3,
    }


def test_the_table_has_the_split_with_whole_sources_held_out(tmp_path):
    make_hmdb51(tmp_path)
    gone = "cartwheel/Film_cartwheel_h_cm_np2_fr_med_2.avi"
    (tmp_path / "hmdb51_org" / gone).unlink()
    result = run_prepare("hmdb51", validation_share=0.25, **options(tmp_path))
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[:4] == [
        "In neither part of the official split: 2 clips",
        "train: 6 clips, 0 missing",
        "validation: 2 clips, 0 missing",
        "test: 1 clips, 1 missing",
    ]
    assert "WARNING: 1 of 10 official videos are missing" in result.stderr
    rows = load_table(tmp_path / "split3.csv")
    assert all((tmp_path / row.path).is_file() for row in rows)
    named = {
        (source, label): row.split
        for row in rows
        for source in HMDB51_SOURCES
        for label in HMDB51_CLASSES
        if row.path.startswith(f"hmdb51_org/{label}/{source}_")
    }
    assert len(named) == 8
    held = {
        source for source, label in named if named[source, label] != "train"
    }
    assert len(held) == 1
    assert [row.labels[0] for row in rows if row.split == "validation"] == [
        *HMDB51_CLASSES
    ]
    (missing,) = load_table(tmp_path / "split3.missing.csv")
    assert missing.path == gone


def test_a_split_without_lists_is_named(tmp_path):
    make_hmdb51(tmp_path)
    said = refusal("hmdb51", **{**options(tmp_path), "split": 2})
    assert "such as brush_hair_test_split2.txt" in said
    assert "Traceback" not in said


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
