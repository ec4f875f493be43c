"""A tiny dataset and runs of train.py on it, each started once.

The runs that the chosen tests ask for are started together, two at a time, as
most of a short run is a process getting ready.
"""

import concurrent.futures

import pytest

from learnable_dataset import write_dataset
from learnable_dataset import write_previews
from training_runs import TrainingRuns

# Not for doctests, which would import two modules of this name.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A dataset of three modalities that keeps images of some clips."""
    folder = tmp_path_factory.mktemp("records") / "tiny"
    write_dataset(folder)
    write_previews(folder)
    return folder


@pytest.fixture(scope="session")
def multi_label_dir(tmp_path_factory):
    """A dataset of the same clips with one to three labels each."""
    folder = tmp_path_factory.mktemp("records") / "several"
    write_dataset(folder, multi_label=True)
    return folder


@pytest.fixture(scope="session")
def started_runs(request, data_dir, multi_label_dir, tmp_path_factory):
    """Futures of the runs that a chosen test asks for, by name."""
    folder = tmp_path_factory.mktemp("runs")
    runs = TrainingRuns(data_dir, multi_label_dir, folder)
    wanted = dict.fromkeys(
        name
        for item in request.session.items
        for name in item.fixturenames
        if name.endswith("_run")
    )
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(getattr(runs, name)) for name in wanted}


@pytest.fixture(scope="session")
def finished_run(started_runs):
    return started_runs["finished_run"].result()


@pytest.fixture(scope="session")
def local_flagfile_run(started_runs):
    return started_runs["local_flagfile_run"].result()


@pytest.fixture(scope="session")
def sampling_run(started_runs):
    return started_runs["sampling_run"].result()


@pytest.fixture(scope="session")
def two_device_run(started_runs):
    return started_runs["two_device_run"].result()


@pytest.fixture(scope="session")
def multi_label_run(started_runs):
    return started_runs["multi_label_run"].result()
