"""Fixtures of all tests."""

# Not for doctests, which would import modules of one name.
collect_ignore_glob = ["*conftest.py", "support/*"]
