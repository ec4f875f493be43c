"""Many runs together: Table 1 of the paper, and every set of modalities."""

from cells import FAMILIES
from cells import NUM_UNITS
from cells import PROTOCOLS
from cells import Cell
from cells import Protocol
from cells import choose_protocol
from cells import make_cells
from cells import parse_cells
from train_cell import MODEL
from train_cell import SITTINGS
from train_cell import build_model
from train_cell import count_flops
from train_cell import run_cell
from train_cell import settings_of
from workers import LOG
from workers import run_cells

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
