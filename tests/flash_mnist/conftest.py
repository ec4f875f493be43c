"""A tiny dataset."""

import pytest

from support.flash_mnist.tiny_cells import write_dataset


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("records") / "tiny")
