"""Many runs together: Table 1 of the paper, and every set of modalities."""

from ac_keras.sweep.cell import FAMILIES
from ac_keras.sweep.cell import NUM_UNITS
from ac_keras.sweep.cell import Cell
from ac_keras.sweep.cell import make_cells
from ac_keras.sweep.cell import parse_cells
from ac_keras.sweep.cell_log import SITTINGS
from ac_keras.sweep.cell_model import build_model
from ac_keras.sweep.cell_run import MODEL
from ac_keras.sweep.cell_run import count_flops
from ac_keras.sweep.cell_run import run_cell
from ac_keras.sweep.cell_run import settings_of
from ac_keras.sweep.protocols import PROTOCOLS
from ac_keras.sweep.protocols import Protocol
from ac_keras.sweep.protocols import choose_protocol
from ac_keras.sweep.workers import LOG
from ac_keras.sweep.workers import run_cells

__all__ = [
    "FAMILIES",
    "LOG",
    "MODEL",
    "NUM_UNITS",
    "PROTOCOLS",
    "SITTINGS",
    "Cell",
    "Protocol",
    "build_model",
    "choose_protocol",
    "count_flops",
    "make_cells",
    "parse_cells",
    "run_cell",
    "run_cells",
    "settings_of",
]
