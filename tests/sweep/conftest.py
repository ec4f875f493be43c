"""A tiny dataset."""

import pytest

from tiny_cells import write_dataset

# Not for doctests, which would import two modules of this name.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("records") / "tiny")
