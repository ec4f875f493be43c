"""Learning rates that change with the step."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="ac_keras")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to another schedule, which then takes over.

    Args:
        schedule: A number or a Keras schedule. Its steps are counted from
            the start, the warm-up's included.
        warmup_steps: Integer, the step at which it takes over.
    """

    def __init__(self, schedule, warmup_steps):
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Gives the rate of a step, a scalar."""
        step = ops.cast(step, "float32")
        rate = self.schedule
        if callable(rate):
            rate = rate(step)
        share = (step + 1.0) / max(self.warmup_steps, 1)
        return ops.minimum(share, 1.0) * rate

    def get_config(self):
        """Gives the arguments."""
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "warmup_steps": self.warmup_steps,
        }

    @classmethod
    def from_config(cls, config):
        """Makes it from what `get_config` gave."""
        config = dict(config)
        config["schedule"] = keras.saving.deserialize_keras_object(
            config["schedule"]
        )
        return cls(**config)


def make_schedule(
    kind: str,
    learning_rate: float,
    *,
    total_steps: int,
    warmup_steps: int = 0,
    drop_steps: tuple[int, ...] = (),
    drop_factor: float = 0.1,
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Makes a learning rate for an optimizer.

    Args:
        kind: `"constant"`, `"cosine"` (to 0 at the end) or `"step"`.
        learning_rate: The highest rate.
        total_steps: Steps of the whole run.
        warmup_steps: Steps in which the rate rises to it.
        drop_steps: With `"step"`, the steps at which the rate is multiplied
            by `drop_factor`, ascending.
        drop_factor: That factor.

    Raises:
        ValueError: If the kind is unknown or the drops do not fit it.
    """
    schedules = keras.optimizers.schedules
    if (kind == "step") != bool(drop_steps) or kind not in (
        "constant",
        "cosine",
        "step",
    ):
        raise ValueError(
            "Expected a schedule among constant, cosine and step, and drops "
            f"with step and only there. Received: {kind!r}, "
            f"drop_steps={list(drop_steps)}."
        )
    rate = learning_rate
    if kind == "cosine":
        rate = schedules.CosineDecay(learning_rate, total_steps)
    if kind == "step":
        values = [
            learning_rate * drop_factor**drops
            for drops in range(len(drop_steps) + 1)
        ]
        rate = schedules.PiecewiseConstantDecay(list(drop_steps), values)
    return Warmup(rate, warmup_steps) if warmup_steps else rate


def balanced_class_weights(class_counts: np.ndarray) -> np.ndarray:
    """Gives 1/S to a clip of a class with S clips (section 5.4).

    The weights are scaled so that their mean over the clips is 1, which
    leaves the size of the loss and of its gradients as it is without them.

    Args:
        class_counts: Integers `(num_classes,)`, each class's clips.

    Returns:
        float32 `(num_classes,)`; 0 for a class without clips.

    Raises:
        ValueError: If no class has a clip.
    """
    counts = np.asarray(class_counts, np.float64)
    present = counts > 0
    if not present.any():
        raise ValueError(
            "balanced_class_weights expects at least one clip. Received: "
            f"class_counts={class_counts}."
        )
    weights = np.zeros_like(counts)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights.astype(np.float32)


def parse_num_units(
    values: Sequence[str], modalities: Sequence[str]
) -> dict[str, int]:
    """Reads how many attention units each modality has.

    Args:
        values: One number for all modalities, such as `["32"]`, or a pair
            for each that is to be used, such as `["rgb:64", "audio:32"]`.
        modalities: The modalities that there are.

    Raises:
        ValueError: If it is neither.
    """
    pairs = [value.partition(":")[::2] for value in values]
    if len(values) == 1 and values[0].isdecimal():
        pairs = [(modality, values[0]) for modality in modalities]
    num_units = {
        name: int(number)
        for name, number in pairs
        if name in modalities and number.isdecimal() and int(number)
    }
    if len(num_units) != len(pairs):
        raise ValueError(
            "Expected the number of units as a number or as MODALITY:NUMBER "
            f"pairs with modalities among {list(modalities)}. Received: "
            f"num_units={','.join(values)}. Name modalities of the dataset."
        )
    return num_units


def parse_initializer(text: str) -> keras.Initializer:
    """Reads `constant:VALUE` or `normal:STANDARD_DEVIATION`.

    Raises:
        ValueError: If it is neither.
    """
    kind, _, number = text.partition(":")
    try:
        if kind == "constant":
            return keras.initializers.Constant(float(number))
        if kind == "normal":
            return keras.initializers.RandomNormal(stddev=float(number))
    except ValueError:
        pass
    raise ValueError(
        "Expected an initializer as constant:VALUE or "
        f"normal:STANDARD_DEVIATION. Received: {text}. Write it like "
        "normal:0.5."
    )
