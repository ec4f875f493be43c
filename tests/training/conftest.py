"""A small dataset that runs are trained on."""

import pytest

from support.training import small_run


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return small_run.write_clips(tmp_path_factory.mktemp("data") / "small")
