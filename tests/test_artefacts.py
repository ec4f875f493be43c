"""Artefacts of a test session are made once for all workers."""

import concurrent.futures
import types

import pytest

from support.artefacts import artefact


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A worker's `tmp_path_factory`, in a session of its own."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    return types.SimpleNamespace(getbasetemp=lambda: tmp_path / "worker")


def test_workers_that_ask_at_once_get_one_folder(session):
    calls = []

    def make(folder):
        calls.append(folder)
        (folder / "file").write_text("made")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: artefact(session, "a", make), "1234"))
    (folder,) = folders
    assert calls == [folder] and (folder / "file").read_text() == "made"


def test_an_error_is_raised_wherever_the_artefact_is_asked_for(session):
    calls = []

    def make(folder):
        calls.append(folder)
        raise ValueError("no data")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="ValueError: no data"):
            artefact(session, "a", make)
    assert len(calls) == 1


def test_what_a_killed_worker_left_is_made_again(session):
    def stop(folder):
        (folder / "half").touch()
        raise KeyboardInterrupt  # Ends a worker.

    with pytest.raises(KeyboardInterrupt):
        artefact(session, "a", stop)
    folder = artefact(session, "a", lambda x: (x / "whole").touch())
    assert [x.name for x in folder.iterdir()] == ["whole"]
