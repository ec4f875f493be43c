"""Learning rates that change with the step."""

import keras
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
