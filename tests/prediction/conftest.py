"""Files of clips and a classifier, each made once."""

import functools
import shutil

import pytest

from support.prediction import clip_files


@pytest.fixture(scope="session")
def classifier():
    return clip_files.make_classifier()


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A folder of files of clips, not to be changed."""
    return clip_files.write_files(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="session")
def predict(classifier):
    """`clip_files.predict` with the classifier."""
    return functools.partial(clip_files.predict, model=classifier)


@pytest.fixture(scope="session")
def predicted(records, predict, tmp_path_factory):
    """The folder of one undisturbed run over these files, as JSON lines."""
    output = tmp_path_factory.mktemp("predicted") / "whole"
    predict(records, output)
    return output


@pytest.fixture
def folder(records, tmp_path):
    """A copy of the files that may be broken."""
    return shutil.copytree(records, tmp_path / "records")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"
