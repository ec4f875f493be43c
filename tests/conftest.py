"""The order in which all tests run, and what is no test."""

# Not for doctests, which would import modules of one name.
collect_ignore_glob = ["*conftest.py", "support/*"]


def pytest_collection_modifyitems(items):
    """Puts files with long tests first: none is then left for the end."""
    kinds = {
        item.path: 0 if item.get_closest_marker("stress") else 1
        for item in items
        if item.get_closest_marker("stress")
        or item.get_closest_marker("programs")
    }
    items.sort(key=lambda item: kinds.get(item.path, 2))
