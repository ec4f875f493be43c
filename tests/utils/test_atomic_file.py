"""Files appear whole or not at all."""

import pytest

from ac_keras.utils import atomic_file


def test_a_file_appears_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_file.atomic_path(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "before"])
def test_an_exception_leaves_what_was_there(tmp_path, before):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)
    with pytest.raises(RuntimeError, match="stopped"):
        with atomic_file.atomic_path(path) as partial:
            partial.write_text("half")
            raise RuntimeError("stopped")
    left = [x.read_text() for x in tmp_path.iterdir()]
    assert left == ([before] if before else [])


def test_the_new_file_replaces_the_one_that_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    atomic_file.write_text(path, "nach dem Lauf: ä")
    assert path.read_text(encoding="utf-8") == "nach dem Lauf: ä"


def test_a_sweep_removes_what_killed_writers_left_and_nothing_else(tmp_path):
    kept = [tmp_path / "a.txt", tmp_path / ".hidden", tmp_path / "b.partial"]
    for path in [*kept, tmp_path / ".a.txt.4711.partial"]:
        path.write_text("x")
    atomic_file.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
