"""The pattern of an error message, for `pytest.raises(match=...)`."""

import re


def error_parts(expected, received, fix):
    """Matches the expected, then the received value, then the fix."""
    parts = [re.escape(part) for part in (expected, received, fix)]
    return "(?s)expects.*{}.*Received: .*{}.*{}".format(*parts)
