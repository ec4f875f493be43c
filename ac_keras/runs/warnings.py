"""Warnings about a run that has ended without an error, but not well."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from ac_keras.models import ClipClassifier
from ac_keras.visualization.attention_maps import attention_evenness

EVEN = 0.98  # of the largest entropy
FALL = 0.05  # of a loss, in the last tenth of the epochs


def training_warnings(
    model: ClipClassifier,
    features: Mapping[str, np.ndarray],
    history: Sequence[Mapping[str, float]],
) -> list[str]:
    """Describes what suggests that a run could be better.

    Args:
        model: Model of the best epoch.
        features: Inputs of the model, a batch that was not trained on.
        history: Metrics of every epoch.

    Returns:
        A sentence or two for each finding: attention that stayed even, or a
        loss that still fell at the end.
    """
    return [*_even_attention(model, features), *_falling_loss(history)]


def _even_attention(model, features):
    outputs = model.attention_model()(features, training=False)
    for modality in model.modalities:
        cluster = model.aggregator.clusters[modality]
        evenness = attention_evenness(
            np.asarray(outputs[f"{modality}_attention"], np.float64)
        )
        if cluster.weighting != "average" and evenness > EVEN:
            advice = "Train for more --epochs or at a higher --learning_rate."
            if model.standardize is None:
                advice = "Train with --standardize=scale."
            yield (
                f"The attention to {modality} stayed even: its entropy is "
                f"{100 * evenness:.1f} % of that of equal weights. {advice}"
            )


def _falling_loss(history):
    name = "val_loss" if "val_loss" in history[-1] else "loss"
    earlier = history[-1 - max(len(history) // 10, 1) :][0]
    before, after = earlier[name], history[-1][name]
    if len(history) > 1 and after < (1 - FALL) * before:
        yield (
            f"{name} still fell from {before:.4g} to {after:.4g} over the "
            f"last {history[-1]['epoch'] - earlier['epoch']} of "
            f"{len(history)} epochs. Train for more --epochs."
        )
