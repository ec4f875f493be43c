"""Checks every layer on the current Keras backend and prints a table.

Run it directly: `KERAS_BACKEND=jax python tests/conformance/layer_table.py`.
It exits with 1 where a check fails, and prints why.
"""

import sys
import traceback

import keras

from support.conformance.layer_cases import CASES
from support.conformance.layer_checks import CHECKS


def run_check(check, limit, case):
    """What the table shows, and the failure or None."""
    try:
        error = check(case)
    except Exception:  # Whatever it is, the other checks shall run too.
        return "FAILED", traceback.format_exc()
    if isinstance(error, str):
        return error, None
    if not error <= limit:  # NaN is not.
        return f"FAILED {error:.1e}", f"error {error} is above {limit}"
    return f"{error:.1e}", None


def run_checks(cases, checks=CHECKS):
    """The table's rows, and the failures by layer and check."""
    rows, failures = [], {}
    for layer, case in cases.items():
        row = [layer]
        for name, (check, limit) in checks.items():
            shown, failure = run_check(check, limit, case)
            row.append(shown)
            if failure:
                failures[layer, name] = failure
        rows.append(row)
    return rows, failures


def print_table(rows, checks=CHECKS):
    print("| layer |", " | ".join(checks), "|")
    print("|---" * (1 + len(checks)) + "|")
    for row in rows:
        print("|", " | ".join(row), "|")


def print_failures(failures):
    for (layer, check), failure in failures.items():
        print(f"\n{layer}, {check}:\n{failure}")


def main():
    rows, failures = run_checks(CASES)
    print(f"Largest absolute errors, {keras.backend.backend()} backend\n")
    print_table(rows)
    print_failures(failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
