"""Attention of the units of a model in Flash-MNIST, by digit."""

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
SEEN = 0.5  # share of a unit's weight on a digit that is seen
KINDS = (*map(str, range(NUM_DIGITS)), "none")  # of frames


class AttendedKinds:
    """Mean weight of units on the frames of each kind.

    The weights of a unit on all frames of a kind are added up in each clip
    that has such frames, and the sums are averaged over these clips. A clip
    without frames is ignored. Call `update` for every batch.

    Args:
        num_units: Integer, number of units.
        num_kinds: Integer, number of kinds of frames.
    """

    def __init__(self, num_units: int, num_kinds: int):
        self.num_units, self.num_kinds = num_units, num_kinds
        self.clip_counts = np.zeros(num_kinds, np.int64)
        self._weights = np.zeros((num_kinds, num_units))
        self._even = np.zeros(num_kinds)

    def update(self, weights: np.ndarray, kinds: np.ndarray) -> None:
        """Adds a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` returns them, 0 at padding.
            kinds: Bool `(batch, num_frames, num_kinds)`. A frame has one kind
                or several; padding has none.

        Raises:
            ValueError: If the weights are invalid, or shapes do not match.
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
        """Returns the mean weight of units on each kind.

        Returns:
            float64 `(num_kinds, num_units)`, NaN where no clip has the kind.
        """
        return self._mean(self._weights.T).T

    def even(self) -> np.ndarray:
        """Returns the table of a unit that weights all frames alike.

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
                f"Expected kinds to be bool {expected}, as the weights have "
                f"these frames. Received: kinds {kinds.shape} of {kinds.dtype}."
            )
        if (weights.any(axis=1) & ~kinds.any(axis=2)).any():
            raise ValueError(
                "Expected a kind for every frame with weight. Received: "
                "weight on a frame without one. Add a kind for other frames."
            )
        return kinds


def favourite_kinds(table: np.ndarray, even: np.ndarray) -> np.ndarray:
    """Finds the kind that each unit puts the most weight on.

    Args:
        table: Floats `(num_kinds, num_units)`, rows of `AttendedKinds.table`
            for the kinds that may be a favourite.
        even: Floats `(num_kinds,)`, the same rows of `AttendedKinds.even`.

    Returns:
        Integers `(num_units,)`, -1 for a unit that puts no more weight on its
        best kind than even weights would.
    """
    known = np.where(np.isnan(table), -1, table)
    best = known.argmax(axis=0)
    weight = known[best, np.arange(known.shape[1])]
    return np.where(weight > MARGIN * even[best], best, NO_FAVOURITE)


class UnitDivergence:
    """Mean Jensen-Shannon divergence between units, in nats.

    The weights of a unit are a distribution over the frames of a clip. The
    divergence of two units is the entropy of their mean minus the mean of their
    entropies: 0 where they weight the frames alike, log 2 = 0.693 where they
    share no frame. It is averaged over clips; a clip without frames is ignored.

    Call `update` for every batch, which needs the memory of a few arrays of the
    size of the weights.

    Args:
        num_units: Integer, 2 or more.

    Raises:
        ValueError: If there are fewer units.
    """

    def __init__(self, num_units: int):
        if num_units < 2:
            raise ValueError(
                "Expected two units or more to compare. Received: "
                f"num_units={num_units}. Leave out clusters of one unit."
            )
        self.num_units = num_units
        self.num_clips = 0
        self._sums = np.zeros((num_units, num_units))

    def update(self, weights: np.ndarray) -> None:
        """Adds a batch.

        Args:
            weights: Floats `(batch, num_units, num_frames)` as a model of
                `attention_model` returns them, 0 at padding.

        Raises:
            ValueError: If the weights are invalid.
        """
        weights = checked_weights(weights, self.num_units)
        entropy = weights_entropy(weights)  # (batch, num_units)
        for unit in range(self.num_units - 1):
            others = slice(unit + 1, None)
            mixed = weights_entropy(
                (weights[:, unit, None] + weights[:, others]) / 2
            )
            apart = mixed - (entropy[:, unit, None] + entropy[:, others]) / 2
            # Values below 0 are rounding errors.
            self._sums[unit, others] += np.maximum(apart, 0).sum(axis=0)
        self.num_clips += int(weights.any(axis=(1, 2)).sum())

    def pairs(self) -> np.ndarray:
        """Returns the mean over clips of each pair of units.

        Returns:
            float64 `(num_units, num_units)`, symmetric, 0 on the diagonal.

        Raises:
            ValueError: If there was no clip with frames.
        """
        if not self.num_clips:
            raise ValueError(
                "Expected a clip with frames. Received: num_clips=0. Call "
                "`update` first."
            )
        return (self._sums + self._sums.T) / self.num_clips

    def mean(self) -> float:
        """Returns the mean over clips and pairs of units, from 0 to log 2."""
        pairs = self.pairs()
        return float(pairs.sum() / (pairs.size - len(pairs)))


@dataclasses.dataclass(frozen=True)
class FlashedClip:
    """A clip and the attention of a model to it.

    Attributes:
        id: Name of the clip.
        label: Class of the clip.
        guess: Class that the model predicts.
        digits: Bool `(num_frames, 10)`, the digits on each frame.
        scores: Floats `(num_units, num_frames)`, the weights.
    """

    id: str
    label: int
    guess: int
    digits: np.ndarray
    scores: np.ndarray


@dataclasses.dataclass(frozen=True)
class DigitAttention:
    """Attention of a model over all test clips.

    Attributes:
        modality: Name of the modality.
        num_clips: Number of clips.
        accuracy: Accuracy of the model, from 0 to 1.
        divergence: Mean of `UnitDivergence`, in nats, at most log 2.
        table: float64 `(11, num_units)`, the weight of each unit on the frames
            with each digit, 0 to 9, and on those without, as in
            `AttendedKinds`.
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
        """Number of units whose favourite a digit is, `(10,)`."""
        known = self.favourites[self.favourites != NO_FAVOURITE]
        return np.bincount(known, minlength=NUM_DIGITS)

    @property
    def num_favourites(self) -> int:
        """Number of digits that are the favourite of a unit."""
        return int((self.units_of_digit > 0).sum())

    @property
    def num_seen(self) -> int:
        """Number of digits with half of a unit's weight or more."""
        weights = np.nan_to_num(self.table[:NUM_DIGITS])
        return int((weights.max(axis=1) >= SEEN).sum())

    @property
    def favourite_weight(self) -> float:
        """Mean over units of the weight on the digit with the most."""
        return float(self._best_weights.mean())

    @property
    def order(self) -> np.ndarray:
        """Indices of the units by favourite digit, those without one last."""
        last = self.favourites == NO_FAVOURITE
        return np.lexsort((-self._best_weights, self.favourites, last))

    @property
    def unit_names(self) -> list[str]:
        """Names of the units in this order, with number and favourite."""
        return [  # -1 is the last kind, "none"
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
    """Measures the attention of units in the test clips.

    Args:
        model: Model of `cluster_classifier` with one modality.
        manifest: Manifest of Flash-MNIST, with `frame_digits.npz`.
        num_first: Number of clips to return with their attention.
        batch_size: Number of clips in a batch.

    Returns:
        Statistics of all clips, and the first clips.

    Raises:
        FileNotFoundError: If the dataset has no `frame_digits.npz`.
        ValueError: If the file does not match the clips, or the model has
            several modalities or a single unit.
    """
    frame_digits = FrameDigits(manifest.directory)
    model = attention_model(model)
    modality = _modality(model)
    num_units = model.output[f"{modality}_attention"].shape[1]
    divergence = UnitDivergence(num_units)
    attended = AttendedKinds(num_units, len(KINDS))
    right, first = [], []
    for ids, labels, guesses, scores in _outputs(
        model, manifest, modality, batch_size
    ):
        digits = frame_digits.of_clips(ids, labels)
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
            "Expected a model of one modality, as in Flash-MNIST. Received: "
            f"modalities={names}."
        )
    return names[0]


def _outputs(model, manifest, modality, batch_size):
    """Yields ids, labels, predicted classes and weights of test batches."""
    for features, labels, ids in evaluation_batches(
        manifest,
        "test",
        batch_size=batch_size,
        modalities=[modality],
        with_ids=True,
    ).as_numpy_iterator():
        outputs = {
            name: keras.ops.convert_to_numpy(x)
            for name, x in model(features, training=False).items()
        }
        guesses = outputs["probabilities"].argmax(axis=1)
        ids = [name.decode() for name in ids]
        yield ids, labels, guesses, outputs[f"{modality}_attention"]


def _with_none(digits):
    """Appends the kind of frames without a digit."""
    return np.concatenate([digits, ~digits.any(axis=2, keepdims=True)], axis=2)
