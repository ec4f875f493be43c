"""name_runs: the shortest names that tell runs apart."""

import os
import pathlib

import pytest

from ac_keras.visualization import name_runs


def test_a_run_is_named_by_its_folder():
    assert list(name_runs(["runs/a", "/other/b/"])) == ["a", "b"]


def test_runs_of_one_name_have_their_parents_in_front():
    names = name_runs(["x/first/run", "x/second/run", "x/third/plain"])
    assert list(names) == ["first/run", "second/run", "third/plain"]


def test_names_lead_to_absolute_paths():
    found = name_runs(["runs/a"])["a"]
    assert found == pathlib.Path(os.getcwd()) / "runs" / "a"


def test_a_folder_named_twice_is_refused():
    with pytest.raises(ValueError, match="once. Received: a,b/../a. Leave"):
        name_runs(["a", "b/../a"])
