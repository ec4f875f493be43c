"""Runs pytest in a Bazel test, on the package of Bazel's own tree."""

import importlib.util
import os
import sys

import pytest


def main():
    """Hands Bazel's settings and the arguments to pytest."""
    origin = importlib.util.find_spec("ac_keras").origin
    if not (origin or "").startswith(os.environ["TEST_SRCDIR"]):
        sys.exit(
            "Expected ac_keras of the runfiles. "
            f"Received: {origin}. Add //ac_keras to the test's deps."
        )
    # Bazel sets none; the user's ~/.keras/keras.json must not count.
    os.environ["HOME"] = os.environ["TEST_TMPDIR"]
    options = [
        "-p",
        "no:cacheprovider",
        "--basetemp",
        os.path.join(os.environ["TEST_TMPDIR"], "pytest"),
        "--junitxml",
        os.environ["XML_OUTPUT_FILE"],
    ]
    # From bazel test --test_filter=EXPRESSION.
    if expression := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", expression]
    return pytest.main(options + sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
