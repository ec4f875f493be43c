"""Weights that make every class count the same."""

import numpy as np


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
