"""What a program can import, reported in place of one of its packages."""

import os
import subprocess
import sys

PROBE = """
import importlib

found = []
for name in ("ac_keras", "keras", "json"):
    try:
        importlib.import_module(name)
        found.append(name)
    except ImportError:
        pass
raise SystemExit(f"imported {found}")
"""


def imports_of(folder, replaced, program, *arguments):
    """Runs a program with `replaced` and both packages in an empty folder."""
    (folder / f"{replaced}.py").write_text(PROBE)
    for name in ("ac_keras", "keras"):
        (folder / f"{name}.py").touch()  # would be imported if any could
    result = subprocess.run(
        [sys.executable, program, *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stderr.strip()
