"""Imports of packages that belong to an extra."""

import importlib
import types


def import_optional(
    module: str, extra: str, otherwise: str = ""
) -> types.ModuleType:
    """Imports a module that an extra of ac-keras installs.

    `otherwise` ends the error's last sentence, for example with another way to
    fix the problem: `", or choose protocol='rest'"`.

    Raises:
        ImportError: If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"Expected the package {module.partition('.')[0]} to be installed. "
            f"Received: {error}. Install ac-keras[{extra}]{otherwise}."
        ) from error
