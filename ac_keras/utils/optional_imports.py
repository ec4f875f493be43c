"""Packages that only an extra brings."""

import importlib
import types


def import_optional(module: str, extra: str) -> types.ModuleType:
    """Imports a module that few need.

    Args:
        module: Its full name.
        extra: The extra of ac-keras that brings it.

    Returns:
        The module.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"Expected the package {module.partition('.')[0]} to be installed. "
            f"Received: {error}. Install ac-keras[{extra}]."
        ) from error
