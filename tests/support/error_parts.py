"""The pattern of an error message, for `pytest.raises(match=...)`."""

import re


def error_parts(expected, received, fix):
    """What was expected, then what was received, then how to fix it."""
    parts = [re.escape(part) for part in (expected, received, fix)]
    return "(?s)expects.*{}.*Received: .*{}.*{}".format(*parts)
