"""How the cells of Table 1 are trained."""

import dataclasses

from ac_keras.sweep.cell import Cell


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a cell is trained with.

    Attributes:
        epochs: How many; the best on the validation split is kept.
        batch_size: Clips in a step.
        learning_rate: Adam's, the highest.
        classifier_rate: What the classifier's rate is multiplied by.
        schedule: `"constant"` or `"cosine"`, which goes to 0 at the end.
        warmup_epochs: Epochs in which the rate rises to it.
        dropout: Share of the global feature that is dropped.
        alpha_initializer: Of the shift's scales, as text.
        beta_initializer: Of the shift's shifts, as text.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    classifier_rate: float
    schedule: str
    warmup_epochs: float
    dropout: float
    alpha_initializer: str = "constant:1"
    beta_initializer: str = "normal:0.5"


# The supplement's section 1.3 names the rate, dropout and epochs; it leaves
# the batch size and the shift's initial values open.
PAPER = Protocol(
    epochs=100,
    batch_size=64,
    learning_rate=1e-3,
    classifier_rate=1,
    schedule="constant",
    warmup_epochs=0.0,
    dropout=0.5,
)


def tuned(num_units: int, shift: bool) -> Protocol:
    """Gives the protocol that was chosen on the validation split.

    A shifted global feature has norm 1, so that the classifier wants weights
    far above those that Adam reaches at 1e-3. It has a rate of its own
    therefore; the units keep the paper's. A large cluster overfits at a high
    one.
    """
    few = num_units <= 8
    rate = 400 / num_units**0.5 if few else 800 / num_units
    return Protocol(
        epochs=60 if few else 12,
        batch_size=256,
        learning_rate=1e-3,
        classifier_rate=round(rate) if shift else 8,
        schedule="cosine",
        warmup_epochs=0.0,
        dropout=0.0 if num_units <= 2 else 0.5,
    )


PROTOCOLS = ("tuned", "paper")


def choose_protocol(name: str, cell: Cell) -> Protocol:
    """Gives a cell's protocol by its name.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in PROTOCOLS:
        raise ValueError(
            f"Expected a protocol among {PROTOCOLS}. Received: name={name!r}. "
            "Choose one of them."
        )
    return PAPER if name == "paper" else tuned(cell.num_units, cell.shift)
