"""Predictions that are stopped, killed, gone on with and shared."""

import json
import re
import signal
import types
from subprocess import PIPE

import pytest

from ac_keras.prediction import PredictionStopped
from support.prediction import blocking_prediction
from support.prediction.clip_files import SIZES
from support.programs import start_program
from support.records.plain_records import folder_contents as contents

pytestmark = pytest.mark.programs


def test_a_killed_run_goes_on_to_the_bytes_of_a_run_without_kill(
    predicted, records, predict, output
):
    program = blocking_prediction.__file__
    with start_program(program, records, output, stdin=PIPE) as process:
        line = process.stdout.readline()
        process.kill()
        errors = process.stderr.read()
    assert line == "in the middle\n", errors
    assert process.returncode == -signal.SIGKILL
    hidden, *names = sorted(contents(output))
    assert hidden.startswith(".00001-of-00003-part-1.jsonl.")
    assert hidden.endswith(".partial")
    assert (output / hidden).stat().st_size > 0
    assert names == [
        "00000-of-00003-part-0.jsonl",
        "counted/00000-of-00003-part-0.jsonl.json",
        "predictions.json",
    ]
    first = output / names[0]
    assert first.read_bytes() == (predicted / names[0]).read_bytes()
    before = first.stat()
    outcome = predict(records, output)
    assert contents(output) == contents(predicted)
    assert first.stat().st_ino == before.st_ino  # not written again
    assert (outcome.num_files, outcome.num_clips) == (2, sum(SIZES[1:]))


def test_a_complete_folder_stays_as_it_is(predicted, records, predict):
    before = contents(predicted)
    outcome = predict(records, predicted)
    assert contents(predicted) == before
    assert outcome.num_clips == outcome.num_files == outcome.num_missing == 0
    assert outcome.summary["num_clips"] == sum(SIZES)
    assert str(outcome).endswith("; all files were done before")


def test_a_signal_ends_a_run_after_the_batch(records, predict, tmp_path):
    signals = types.SimpleNamespace(received="SIGTERM")
    with pytest.raises(PredictionStopped, match="SIGTERM: 0 of 3 files"):
        predict(records, tmp_path, signals=signals)
    assert list(contents(tmp_path)) == ["predictions.json"]


def test_two_shares_do_what_one_run_does(predicted, records, predict, tmp_path):
    beyond = predict(records, tmp_path, shard=(3, 4))
    assert (beyond.num_files, beyond.num_missing) == (0, 3)
    shares = [predict(records, tmp_path, shard=(i, 2)) for i in (1, 0)]
    assert contents(tmp_path) == contents(predicted)
    assert [x.num_clips for x in shares] == [SIZES[1], SIZES[0] + SIZES[2]]
    assert [x.num_missing for x in shares] == [2, 0]
    assert "; 2 files are left to others" in str(shares[0])
    assert shares[0].summary is None


def test_the_summary_counts_files_clips_and_broken_records(predicted, records):
    summary = json.loads((predicted / "summary.json").read_text())
    assert summary["num_clips"] == sum(SIZES)
    assert (summary["num_files"], summary["num_broken_records"]) == (3, 0)
    assert summary["files"][1] == {
        "file": str(records / "part-1.tfrecord"),
        "num_bytes": (records / "part-1.tfrecord").stat().st_size,
        "predictions": "00001-of-00003-part-1.jsonl",
        "num_clips": SIZES[1],
        "broken_records": [],
    }


def test_predictions_do_not_depend_on_the_other_files(
    predicted, records, predict, tmp_path
):
    predict(records, tmp_path, records=[str(records / "part-2*")])
    alone = tmp_path / "00000-of-00001-part-2.jsonl"
    among = predicted / "00002-of-00003-part-2.jsonl"
    assert alone.read_bytes() == among.read_bytes()


def test_progress_tells_clips_their_rate_and_files(
    records, predict, tmp_path, capsys
):
    predict(records, tmp_path)
    *_, last = capsys.readouterr().err.strip().split("\r")
    assert last.startswith("Predicting: 100%")
    told = rf", 3/3 files, {sum(SIZES)} clips, \d+ clips/s\]$"
    assert re.search(told, last), last
