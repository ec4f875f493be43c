"""Extractions on processes and on Ray, with workers that are killed."""

import contextlib
import csv
import json
import multiprocessing
import os
import pathlib
import signal

import numpy as np
import pytest

from ac_keras.annotations.clip_table import ClipRow
from ac_keras.extraction.engines import local_engine
from ac_keras.extraction.engines import ray_engine
from ac_keras.extraction.engines.job import WorkerError
from ac_keras.extraction.engines.job import incomplete_shards
from ac_keras.extraction.inputs.clip_inputs import read_inputs
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from support.media import killed_extraction
from support.media.extracted_media import BROKEN
from support.media.extracted_media import CUT
from support.media.extracted_media import NUM_CLIPS
from support.media.extracted_media import PLAN
from support.media.extracted_media import digests
from support.media.extracted_media import extract
from support.media.extracted_media import make_job
from support.media.extracted_media import write_clips
from support.programs import run_program

pytestmark = pytest.mark.programs

pytest.importorskip("av")
pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A folder of clips and their rows."""
    folder = tmp_path_factory.mktemp("media")
    return folder, write_clips(folder)


@pytest.fixture(scope="module")
def extracted(media, tmp_path_factory):
    """The dataset of one worker, with what was done and heard."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, run(media, folder, 1)


def run(media, folder, num_workers, run_shards=local_engine.run_shards):
    prepared = make_job(media[0], folder, media[1])
    return extract(prepared, num_workers, run_shards)


def local_workers():
    return [x.pid for x in multiprocessing.active_children()]


def ray_workers(parent="self"):
    """Ray's workers that descend from a process."""
    workers = []
    for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # Some have ended meanwhile.
            for child in path.read_text().split():
                command = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
                workers += [int(child)] * (b"RayWorker" in command)
                workers += ray_workers(child)
    return workers


@pytest.fixture(scope="module")
def ray_cluster():
    """Two cores of a Ray cluster on this machine."""
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    yield
    ray.shutdown()


@pytest.fixture(params=["local", "ray"])
def engine(request):
    """How an engine runs shards, and how its workers' processes are found."""
    if request.param == "local":
        return local_engine.run_shards, local_workers
    request.getfixturevalue("ray_cluster")
    return ray_engine.run_shards, ray_workers


def test_several_workers_write_the_same_bytes_even_if_one_is_killed(
    media, extracted, engine, tmp_path
):
    run_shards, victims = engine
    killed = []

    def run_and_kill(job, tasks, num_workers, hear):
        def hear_and_kill(event):
            hear(event)
            if event.number == 2 and not killed:  # A worker's second clip.
                killed.extend(victims()[:1])
                os.kill(killed[0], signal.SIGKILL)

        return run_shards(job, tasks, num_workers, hear_and_kill)

    outcome = run(media, tmp_path, 2, run_and_kill)
    assert killed and outcome.is_complete and outcome.num_clips == NUM_CLIPS
    assert digests(tmp_path) == digests(extracted[0])


def test_an_error_of_a_worker_comes_with_its_traceback(media, engine, tmp_path):
    rows = [row._replace(labels=("up",)) for row in media[1]]
    _, job, tasks, _ = make_job(media[0], tmp_path, rows)
    with pytest.raises(WorkerError, match="KeyError.*'up'"):
        list(engine[0](job, tasks, 1, lambda event: None))


def test_clips_hold_what_is_read_of_their_files(media, extracted):
    folder, rows = media
    manifest = Manifest.load(extracted[0])
    batches = evaluation_batches(manifest, "train", batch_size=1, with_ids=True)
    usable = {
        row.id: folder / row.path
        for number, row in enumerate(rows)
        if number not in (CUT, BROKEN)
    }
    seen = []
    for features, labels, ids in batches:
        seen.append(ids.numpy()[0].decode())
        inputs = read_inputs(usable[seen[-1]], PLAN)
        for modality in PLAN.modalities:
            expected = inputs.arrays.get(modality, ())
            count = int(features[f"{modality}_num_frames"][0])
            assert count == len(expected)
            for found, frame in zip(
                features[modality][0, :count], expected, strict=True
            ):
                frame = frame.ravel().astype("float32")
                np.testing.assert_array_equal(found, frame)
        assert manifest.description.class_names[labels[0]] in seen[-1]
    assert sorted(seen) == sorted(usable)


def test_a_clip_without_audio_lacks_that_modality_alone(extracted):
    manifest = json.loads((extracted[0] / "manifest.json").read_text())
    counts = manifest["splits"]["train"]["num_absent"]
    assert counts == {"rgb": 0, "flow": 0, "audio": 1}


def test_files_that_cannot_be_used_are_listed_with_the_reason(media, extracted):
    folder, outcome = extracted
    with open(folder / "problems.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = [media[1][CUT].id, media[1][BROKEN].id]
    assert [row["clip"] for row in rows] == wrong
    assert all(row["left_out"] == "True" for row in rows)
    for row in rows:
        assert row["clip"] in row["message"] and "Received" in row["message"]
    assert (outcome.num_clips, outcome.num_left_out) == (NUM_CLIPS, 2)


def test_a_shard_that_kills_every_worker_is_named(media, tmp_path):
    def kill_all(event):
        if event.number == 1:
            for process in local_workers():
                os.kill(process, signal.SIGKILL)

    _, job, tasks, _ = make_job(media[0], tmp_path, media[1])
    with pytest.raises(WorkerError, match="shard 0 of train.*clip0.*SIGKILL"):
        list(local_engine.run_shards(job, tasks[:1], 1, kill_all))
    assert not multiprocessing.active_children()


def test_a_killed_run_goes_on_with_the_shards_left(media, extracted, tmp_path):
    folder, rows = media
    program = killed_extraction.__file__
    ended = run_program(program, folder, tmp_path, json.dumps(rows))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    # The worker may have ended a second shard before it saw that it is alone.
    written = len(list(tmp_path.glob("*.tfrecord")))
    assert written in (1, 2)
    outcome = run(media, tmp_path, 1)
    assert (outcome.num_shards, outcome.num_left_out) == (3 - written, 2)
    assert digests(tmp_path) == digests(extracted[0])


def test_shards_that_lack_clips_can_be_done_again(media, tmp_path):
    folder, rows = media
    run(media, tmp_path, 1)
    broken, whole = (folder / rows[i].path for i in (BROKEN, 5))
    kept = broken.read_bytes()
    broken.write_bytes(whole.read_bytes())
    try:
        writer, _, tasks, _ = make_job(folder, tmp_path, rows)
        writer.reopen(incomplete_shards(x.path for x in tasks))
        outcome = run(media, tmp_path, 1)
    finally:
        broken.write_bytes(kept)
    assert (outcome.num_shards, outcome.num_left_out) == (2, 1)


def test_files_none_of_which_can_be_used_are_an_error(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    row = ClipRow("a.mp4", ("left",), "", 2)
    with pytest.raises(ValueError, match="file or more among 9.*a: Expected"):
        run((tmp_path, [row] * NUM_CLIPS), tmp_path / "out", 1)
    assert not (tmp_path / "out" / "manifest.json").exists()
