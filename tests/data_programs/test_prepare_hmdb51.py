"""data/hmdb51/prepare.py, run as a program on a made-up layout."""

from ac_keras.pipeline.clip_table import load_table
from official_layouts import HMDB51_CLASSES
from official_layouts import HMDB51_SOURCES
from official_layouts import make_hmdb51
from scan_programs import refusal
from scan_programs import run_prepare


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
