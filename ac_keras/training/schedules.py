"""Learning rate schedules."""

import keras
from keras import ops

KINDS = ("constant", "cosine", "step")


def make_schedule(
    kind: str,
    learning_rate: float,
    *,
    total_steps: int,
    warmup_steps: int = 0,
    drop_steps: tuple[int, ...] = (),
    drop_factor: float = 0.1,
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Creates the learning rate of an optimizer.

    Args:
        kind: `"constant"`, `"cosine"` (decays to 0 at the last step) or
            `"step"`.
        learning_rate: Peak learning rate.
        total_steps: Number of steps of the whole run.
        warmup_steps: Number of steps of linear warmup from 0.
        drop_steps: Steps at which `"step"` multiplies the rate by
            `drop_factor`, in ascending order.
        drop_factor: Factor of each drop.

    Returns:
        A number or a Keras schedule.

    Raises:
        ValueError: If the kind is unknown, or `drop_steps` does not fit it.
    """
    if kind not in KINDS or (kind == "step") != bool(drop_steps):
        raise ValueError(
            f"Expected a schedule among {', '.join(KINDS)}, with drop_steps "
            f"for step and only for step. Received: {kind!r}, "
            f"drop_steps={list(drop_steps)}."
        )
    schedules = keras.optimizers.schedules
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


@keras.saving.register_keras_serializable(package="ac_keras")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """Multiplies a schedule by a linear warmup from 0 to 1.

    Args:
        schedule: A number or a Keras schedule. It counts its steps from the
            start of the run, including the warmup.
        warmup_steps: Integer, the number of warmup steps.
    """

    def __init__(self, schedule, warmup_steps):
        self.schedule = schedule
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        """Returns the learning rate of a step, a scalar."""
        step = ops.cast(step, "float32")
        rate = self.schedule
        if callable(rate):
            rate = rate(step)
        factor = (step + 1.0) / max(self.warmup_steps, 1)
        return ops.minimum(factor, 1.0) * rate

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "warmup_steps": self.warmup_steps,
        }

    @classmethod
    def from_config(cls, config):
        """Creates the schedule from its config."""
        config = dict(config)
        config["schedule"] = keras.saving.deserialize_keras_object(
            config["schedule"]
        )
        return cls(**config)
