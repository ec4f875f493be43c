"""How a benchmark starts, and where it writes its report."""

import sys
from collections.abc import Callable

from absl import app
from absl import flags
from absl import logging

from measurement.report import Report

_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the report.")


def run(measure: Callable[[Report], None]) -> None:
    """Parses the flags, measures, and writes the report to `--output`.

    Args:
        measure: Function that adds tables and goals to a report.
    """

    def main(argv):
        del argv
        logging.set_verbosity(logging.WARNING)
        report = Report()
        measure(report)
        report.write(_OUTPUT.value)

    # Or --help would leave it out.
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS["output"])
    app.run(main)
