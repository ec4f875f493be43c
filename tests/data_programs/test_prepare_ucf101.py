"""data/ucf101/prepare.py, run as a program on a made-up layout."""

import collections

import pytest

from ac_keras.pipeline.clip_table import load_table
from official_layouts import make_ucf101
from scan_programs import refusal
from scan_programs import run_prepare


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
