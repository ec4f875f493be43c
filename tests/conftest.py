"""The order in which all tests run, and what is no test."""

import os
import pathlib

import ac_keras

TESTS = pathlib.Path(__file__).absolute().parent
PACKAGE = pathlib.Path(ac_keras.__file__).absolute().parents[1]
# Processes that tests start import ac_keras from where it is imported here,
# and tests/support.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(PACKAGE), str(TESTS)]
    + [x for x in [os.environ.get("PYTHONPATH")] if x]
)

# Not for doctests, which would import modules of one name.
collect_ignore_glob = ["*conftest.py", "support/*"]


def pytest_collection_modifyitems(items):
    """Sorts files with long tests first, so that none is left for the end."""
    long = [
        {x.path for x in items if x.get_closest_marker(marker)}
        for marker in ("stress", "programs")
    ]
    items.sort(key=lambda item: [item.path not in paths for paths in long])
