"""The parts of an error message that tests check."""

import re

import pytest


def error_parts(expected, received, fix):
    """Matches the expected, then the received value, then the fix."""
    parts = [re.escape(part) for part in (expected, received, fix)]
    return "(?s)expects.*{}.*Received: .*{}.*{}".format(*parts)


def rejects(expected, received, fix):
    """Expects a `ValueError` whose message has these parts."""
    return pytest.raises(ValueError, match=error_parts(expected, received, fix))
