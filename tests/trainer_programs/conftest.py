"""A tiny dataset and runs of train.py on it."""

import pytest

from support.runs import training_runs


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    return training_runs.tiny_dataset(tmp_path_factory)


@pytest.fixture(scope="session")
def multi_label_dir(tmp_path_factory):
    return training_runs.multi_label_dataset(tmp_path_factory)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    return training_runs.finished_run(tmp_path_factory)


@pytest.fixture(scope="session")
def local_flagfile_run(tmp_path_factory):
    return training_runs.local_flagfile_run(tmp_path_factory)


@pytest.fixture(scope="session")
def sampling_run(tmp_path_factory):
    return training_runs.sampling_run(tmp_path_factory)


@pytest.fixture(scope="session")
def two_device_run(tmp_path_factory):
    return training_runs.two_device_run(tmp_path_factory)


@pytest.fixture(scope="session")
def multi_label_run(tmp_path_factory):
    return training_runs.multi_label_run(tmp_path_factory)
