"""What a run would be, before it is one."""

import keras
import numpy as np
import tensorflow as tf

MEGABYTE = 1e6


def describe_run(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    batches: tf.data.Dataset,
    *,
    num_clips: int,
    steps_per_epoch: int,
    epochs: int,
    num_averages: int = 0,
) -> str:
    """Tells shapes, numbers of parameters, memory and steps.

    Args:
        model: The model.
        optimizer: What would update it.
        batches: Its training batches; only their shapes are asked for.
        num_clips: Clips in the training split.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs at most.
        num_averages: Further copies of the weights that are kept.
    """
    lines = []
    model.summary(line_length=80, print_fn=lambda line, **_: lines.append(line))
    batch = next(iter(batches))
    for name, x in batch[0].items():
        lines.append(f"{name}: {tuple(x.shape)} {x.dtype.name}")
    lines.append(f"labels: {tuple(batch[1].shape)} {batch[1].dtype.name}")
    batch_bytes = sum(x.numpy().nbytes for x in tf.nest.flatten(batch))
    optimizer.build(model.trainable_variables)
    weights = _num_bytes(model.variables)
    slots = _num_bytes(optimizer.variables)
    kept = weights * (2 + num_averages) + slots
    lines.append(
        f"Parameters: {model.count_params():,}\n"
        f"Memory: weights {weights / MEGABYTE:,.1f} MB; with gradients, "
        f"optimizer and averages {kept / MEGABYTE:,.1f} MB on every device; "
        f"a batch {batch_bytes / MEGABYTE:,.1f} MB\n"
        f"Steps: {steps_per_epoch:,} in an epoch of {num_clips:,} clips, "
        f"{steps_per_epoch * epochs:,} in {epochs} epochs"
    )
    return "\n".join(lines)


def _num_bytes(variables):
    return sum(
        int(np.prod(x.shape)) * np.dtype(x.dtype).itemsize for x in variables
    )
