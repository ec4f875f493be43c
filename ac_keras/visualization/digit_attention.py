"""What a model's units attend to in Flash-MNIST, told by the digits."""

import dataclasses

import keras
import numpy as np

from ac_keras.datasets import FrameDigits
from ac_keras.datasets.flash_mnist import NUM_DIGITS
from ac_keras.models import attention_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization.attended_kinds import NO_FAVOURITE
from ac_keras.visualization.attended_kinds import AttendedKinds
from ac_keras.visualization.attended_kinds import favourite_kinds
from ac_keras.visualization.unit_divergence import UnitDivergence

SEEN = 0.5  # of a unit's weight
KINDS = (*map(str, range(NUM_DIGITS)), "none")


@dataclasses.dataclass(frozen=True)
class FlashedClip:
    """A clip and a model's attention to it.

    Attributes:
        id: The clip's name.
        label: Its class.
        guess: The class that the model takes it for.
        digits: Bool `(num_frames, 10)`, the digits of its frames.
        scores: Floats `(num_units, num_frames)`.
    """

    id: str
    label: int
    guess: int
    digits: np.ndarray
    scores: np.ndarray


@dataclasses.dataclass(frozen=True)
class DigitAttention:
    """A model's attention over all test clips.

    Attributes:
        modality: The modality attended to.
        num_clips: How many clips there are.
        accuracy: The share of them that the model names right.
        divergence: Mean of `UnitDivergence`, in nats; log 2 at most.
        table: float64 `(11, num_units)`, the weight of each unit on all
            frames with a digit, 0 to 9, and on those without any, as
            `AttendedKinds` counts it.
        even: float64 `(11,)`, the same of even weights.
        favourites: Integers `(num_units,)`, the digit with the most weight;
            -1 for none.
        first: The first clips.
    """

    modality: str
    num_clips: int
    accuracy: float
    divergence: float
    table: np.ndarray
    even: np.ndarray
    favourites: np.ndarray
    first: list[FlashedClip]

    @property
    def units_of_digit(self) -> np.ndarray:
        """How many units have a digit as their favourite, `(10,)`."""
        known = self.favourites[self.favourites != NO_FAVOURITE]
        return np.bincount(known, minlength=NUM_DIGITS)

    @property
    def num_favourites(self) -> int:
        """How many digits are some unit's favourite."""
        return int((self.units_of_digit > 0).sum())

    @property
    def num_seen(self) -> int:
        """How many digits have half of some unit's weight or more."""
        weights = np.nan_to_num(self.table[:NUM_DIGITS])
        return int((weights.max(axis=1) >= SEEN).sum())

    @property
    def favourite_weight(self) -> float:
        """The weight on the digit that has the most, mean over units."""
        return float(self._best_weights.mean())

    @property
    def order(self) -> np.ndarray:
        """Indices of the units by favourite digit, those without one last."""
        last = self.favourites == NO_FAVOURITE
        return np.lexsort((-self._best_weights, self.favourites, last))

    @property
    def unit_names(self) -> list[str]:
        """The units in that order, by number and favourite digit."""
        return [  # -1 is the last of the kinds, "none"
            f"unit {unit + 1} ({KINDS[self.favourites[unit]]})"
            for unit in self.order
        ]

    @property
    def _best_weights(self):
        return np.nan_to_num(self.table[:NUM_DIGITS]).max(axis=0)


def measure_digit_attention(
    model: keras.Model,
    manifest: Manifest,
    num_first: int = 3,
    batch_size: int = 256,
) -> DigitAttention:
    """Measures what units attend to in the test clips.

    Args:
        model: A model of `cluster_classifier` with one modality.
        manifest: Flash-MNIST, with its `frame_digits.npz`.
        num_first: How many clips to give with their attention.
        batch_size: Clips in a batch.

    Returns:
        The numbers over all clips, and the first ones.

    Raises:
        FileNotFoundError: If the dataset does not keep its frames' digits.
        ValueError: If they do not fit the clips, or the model has several
            modalities or a single unit.
    """
    frame_digits = FrameDigits(manifest.directory)
    model = attention_model(model)
    modality = _modality(model)
    num_units = model.output[f"{modality}_attention"].shape[1]
    divergence = UnitDivergence(num_units)
    attended = AttendedKinds(num_units, len(KINDS))
    right, first = [], []
    for features, labels, ids in evaluation_batches(
        manifest,
        "test",
        batch_size=batch_size,
        modalities=[modality],
        with_ids=True,
    ).as_numpy_iterator():
        ids = [name.decode() for name in ids]
        digits = frame_digits.of_clips(ids, labels)
        outputs = {
            name: keras.ops.convert_to_numpy(x)
            for name, x in model(features, training=False).items()
        }
        guesses = outputs["probabilities"].argmax(axis=1)
        scores = outputs[f"{modality}_attention"]
        divergence.update(scores)
        attended.update(scores, _with_none(digits))
        right.append(guesses == labels)
        clips = zip(ids, labels, guesses, digits, scores, strict=True)
        for _, clip in zip(range(num_first - len(first)), clips, strict=False):
            first.append(FlashedClip(*clip))
    right = np.concatenate(right)
    table, even = attended.table(), attended.even()
    return DigitAttention(
        modality=modality,
        num_clips=len(right),
        accuracy=float(right.mean()),
        divergence=divergence.mean(),
        table=table,
        even=even,
        favourites=favourite_kinds(table[:NUM_DIGITS], even[:NUM_DIGITS]),
        first=first,
    )


def _modality(model):
    ending = "_attention"
    names = [x.removesuffix(ending) for x in model.output if x.endswith(ending)]
    if len(names) != 1:
        raise ValueError(
            "Expected a model of one modality, as Flash-MNIST has. Received: "
            f"modalities={names}. Name runs on Flash-MNIST."
        )
    return names[0]


def _with_none(digits):
    """Adds whether a frame has no digit as the last kind."""
    return np.concatenate([digits, ~digits.any(axis=2, keepdims=True)], axis=2)
