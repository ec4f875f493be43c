"""What a model's units attend to in Flash-MNIST, told by the digits."""

import dataclasses

import keras
import numpy as np

from ac_keras.datasets import FrameDigits
from ac_keras.datasets.flash_mnist import NUM_DIGITS
from ac_keras.models import attention_model
from ac_keras.pipeline import Manifest
from ac_keras.pipeline import evaluation_batches
from ac_keras.visualization.attention_maps import checked_weights
from ac_keras.visualization.attention_maps import weights_entropy

NO_FAVOURITE = -1
MARGIN = 1.01  # over even weights, whose sum may be rounded up


class AttendedKinds:
    """Counts the weight that units put on the frames of each kind.

    Of each clip that has frames of a kind, a unit's weights on all of them
    are added up; the sums are averaged over these clips. A clip without a
    frame is left out. Give batch after batch to `update`.

    Args:
        num_units: Integer, how many units there are.
        num_kinds: Integer, how many kinds of frames there are.
    """

    def __init__(self, num_units: int, num_kinds: int):
        self.num_units, self.num_kinds = num_units, num_kinds
        self.clip_counts = np.zeros(num_kinds, np.int64)
        self._weights = np.zeros((num_kinds, num_units))
        self._even = np.zeros(num_kinds)

    def update(self, weights: np.ndarray, kinds: np.ndarray) -> None:
        """Counts a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` gives them, 0 at padding.
            kinds: Bool `(batch, num_frames, num_kinds)`. Each frame has a
                kind, or several; padding has none.

        Raises:
            ValueError: If they are no such weights or do not fit each other.
        """
        weights = checked_weights(weights, self.num_units)
        kinds = self._checked_kinds(kinds, weights)
        kinds = kinds & weights.any(axis=(1, 2))[:, None, None]
        num_frames = np.maximum(kinds.any(axis=2).sum(axis=1), 1)
        self.clip_counts += kinds.any(axis=1).sum(axis=0)
        self._weights += np.tensordot(
            kinds.astype(np.float64), weights, ([0, 1], [0, 2])
        )
        self._even += (kinds.sum(axis=1) / num_frames[:, None]).sum(axis=0)

    def table(self) -> np.ndarray:
        """Gives the mean weight of units on each kind.

        Returns:
            float64 `(num_kinds, num_units)`, NaN where no clip has the kind.
        """
        return self._mean(self._weights.T).T

    def even(self) -> np.ndarray:
        """Gives what the table would hold, were all frames weighted alike.

        Returns:
            float64 `(num_kinds,)`, NaN where no clip has the kind.
        """
        return self._mean(self._even)

    def _mean(self, sums):
        counts = self.clip_counts
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def _checked_kinds(self, kinds, weights):
        kinds = np.asarray(kinds)
        batch, _, num_frames = weights.shape
        expected = batch, num_frames, self.num_kinds
        if kinds.dtype != bool or kinds.shape != expected:
            raise ValueError(
                f"Expected kinds to be bool {expected}, for these clips' "
                f"frames. Received: kinds {kinds.shape} of {kinds.dtype}. "
                "Give both of the same clips."
            )
        if (weights.any(axis=1) & ~kinds.any(axis=2)).any():
            raise ValueError(
                "Expected a kind for every frame that is attended to. "
                "Received: weight on a frame without one. Give frames of no "
                "other kind a kind of their own."
            )
        return kinds


def favourite_kinds(table: np.ndarray, even: np.ndarray) -> np.ndarray:
    """Finds the kind that each unit puts the most weight on.

    Args:
        table: Floats `(num_kinds, num_units)`, as `AttendedKinds.table` gives
            them: the rows of those kinds that may be a favourite.
        even: Floats `(num_kinds,)`, as `AttendedKinds.even` gives them.

    Returns:
        Integers `(num_units,)`, -1 for a unit that puts no more on its best
        kind than even weights would.
    """
    known = np.where(np.isnan(table), -1, table)
    best = known.argmax(axis=0)
    weight = known[best, np.arange(known.shape[1])]
    return np.where(weight > MARGIN * even[best], best, NO_FAVOURITE)


class UnitDivergence:
    """Counts the Jensen-Shannon divergence between units, in nats.

    A unit's weights are a distribution over a clip's frames. The divergence
    of two is the entropy of their mean less the mean of their entropies: 0
    where they weight the frames alike, log 2 = 0.693 where they share no
    frame. It is averaged over clips; a clip without a frame is left out.

    Give batch after batch to `update`. It needs the memory of a few arrays as
    large as a batch's weights.

    Args:
        num_units: Integer, 2 or more.

    Raises:
        ValueError: If there are fewer units.
    """

    def __init__(self, num_units: int):
        if num_units < 2:
            raise ValueError(
                "UnitDivergence expects two units or more to compare. "
                f"Received: num_units={num_units}. Leave out clusters of one."
            )
        self.num_units = num_units
        self.num_clips = 0
        self._sums = np.zeros((num_units, num_units))

    def update(self, weights: np.ndarray) -> None:
        """Counts a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` gives them, 0 at padding.

        Raises:
            ValueError: If they are no such weights.
        """
        weights = checked_weights(weights, self.num_units)
        entropy = weights_entropy(weights)  # (batch, num_units)
        for unit in range(self.num_units - 1):
            others = slice(unit + 1, None)
            mixed = weights_entropy(
                (weights[:, unit, None] + weights[:, others]) / 2
            )
            apart = mixed - (entropy[:, unit, None] + entropy[:, others]) / 2
            # It is below 0 by rounding alone.
            self._sums[unit, others] += np.maximum(apart, 0).sum(axis=0)
        self.num_clips += int(weights.any(axis=(1, 2)).sum())

    def pairs(self) -> np.ndarray:
        """Gives the mean over clips of each pair of units.

        Returns:
            float64 `(num_units, num_units)`, symmetric, 0 on the diagonal.

        Raises:
            ValueError: If no clip was counted.
        """
        if not self.num_clips:
            raise ValueError(
                "Expected some clip with frames. Received: num_clips=0. Give "
                "clips to `update` first."
            )
        return (self._sums + self._sums.T) / self.num_clips

    def mean(self) -> float:
        """Gives the mean over clips and pairs of units, from 0 to log 2."""
        pairs = self.pairs()
        return float(pairs.sum() / (pairs.size - len(pairs)))


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
